-- $1 attachment_id uuid, $2 upload_id uuid. No row when it is complete or gone.
UPDATE verbatim.attachments SET upload_id = $2
WHERE attachment_id = $1 AND NOT is_complete
RETURNING attachment_id
