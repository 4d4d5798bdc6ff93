-- $1 after_id uuid, $2 limit int
SELECT key_id
FROM (SELECT key_id FROM verbatim.data_keys WHERE key_id > $1 ORDER BY key_id LIMIT $2) AS page
ORDER BY key_id DESC
LIMIT 1
