-- $1 attachment_ids uuid[], $2 from_chunk int, $3 before_chunk int
SELECT c.attachment_id, c.chunk, c.body
FROM verbatim.attachment_chunks AS c
WHERE c.attachment_id = ANY ($1::uuid[]) AND c.chunk >= $2 AND c.chunk < $3
ORDER BY c.attachment_id, c.chunk
