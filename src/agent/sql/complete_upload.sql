-- $1 attachment_id uuid, $2 upload_id uuid
UPDATE verbatim.attachments SET is_complete = true WHERE attachment_id = $1 AND upload_id = $2
