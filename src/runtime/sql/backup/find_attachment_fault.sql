-- The first attachment whose chunks are not 0..n, or do not hold as many bytes as it has. A chunk is
-- longer by nonce and tag (28 bytes) than what it holds, unless nothing is encrypted (key id 0).
SELECT a.attachment_id
FROM verbatim.attachments AS a
LEFT JOIN verbatim.attachment_chunks AS c USING (attachment_id)
GROUP BY a.attachment_id
HAVING coalesce(max(c.chunk) + 1, 0) <> count(c.chunk)
    OR coalesce(sum(octet_length(c.body)), 0) <> a.size_bytes
        + CASE WHEN a.key_id = '00000000-0000-0000-0000-000000000000' THEN 0 ELSE 28 * count(c.chunk) END
ORDER BY a.attachment_id
LIMIT 1
