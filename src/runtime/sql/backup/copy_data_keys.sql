-- $1 after_id uuid, $2 up_to_id uuid
SELECT key_id, owner_id, generation, wrapped, created_at
FROM verbatim.data_keys
WHERE key_id > $1 AND key_id <= $2
ORDER BY key_id
