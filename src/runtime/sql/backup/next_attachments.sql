-- $1 after_id uuid, $2 created_until timestamptz, $3 limit int, $4 limit_bytes bigint
-- The next whole attachments; one at least, even if it is larger than the limit.
SELECT attachment_id
FROM (
    SELECT attachment_id, sum(size_bytes) OVER (ORDER BY attachment_id) - size_bytes AS bytes_before
    FROM (
        SELECT attachment_id, size_bytes
        FROM verbatim.attachments
        WHERE attachment_id > $1 AND created_at <= $2 AND is_complete
        ORDER BY attachment_id
        LIMIT $3
    ) AS page
) AS summed
WHERE bytes_before < $4
ORDER BY attachment_id
