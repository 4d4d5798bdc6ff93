-- $1 attachment_id uuid, $2 upload_id uuid, $3 chunk int, $4 body bytea
-- No row when another upload has claimed the attachment, or it is gone.
WITH mine AS (
    SELECT a.attachment_id FROM verbatim.attachments AS a
    WHERE a.attachment_id = $1 AND a.upload_id = $2 AND NOT a.is_complete
    FOR SHARE
)
INSERT INTO verbatim.attachment_chunks (attachment_id, chunk, body)
SELECT attachment_id, $3::int, $4::bytea FROM mine
RETURNING chunk
