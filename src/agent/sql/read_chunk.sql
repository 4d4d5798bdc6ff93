-- $1 attachment_id uuid, $2 chunk int
SELECT body FROM verbatim.attachment_chunks WHERE attachment_id = $1 AND chunk = $2
