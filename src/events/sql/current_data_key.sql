-- $1 owner_id text
SELECT key_id, owner_id, wrapped
FROM verbatim.data_keys
WHERE owner_id = $1
ORDER BY generation DESC
LIMIT 1
