-- $1 attachment_id uuid, $2 owner_id text. Its chunks go with it.
DELETE FROM verbatim.attachments WHERE attachment_id = $1 AND owner_id = $2
