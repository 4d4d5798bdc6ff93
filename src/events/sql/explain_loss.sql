-- $1 stream_id text, $2 idempotency_key text (or null), $3 key_id uuid (or null)
SELECT coalesce((SELECT version FROM verbatim.heads WHERE stream_id = $1), 0) AS version,
    ($3::uuid IS NULL OR EXISTS (SELECT FROM verbatim.data_keys WHERE key_id = $3)) AS has_key,
    i.first_version, i.last_version, i.request_hash
FROM (SELECT) AS one
LEFT JOIN verbatim.idempotency AS i ON i.stream_id = $1 AND i.idempotency_key = $2
