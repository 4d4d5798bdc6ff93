-- $1 owner_id text. Their chunks go with them.
DELETE FROM verbatim.attachments WHERE owner_id = $1
