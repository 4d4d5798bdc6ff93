-- $1 attachment_id uuid. Its chunks go with it.
DELETE FROM verbatim.attachments WHERE attachment_id = $1
