-- $1 owner_id text. Every key of an owner that was not destroyed, oldest first.
SELECT key_id, owner_id, wrapped
FROM verbatim.data_keys
WHERE owner_id = $1
ORDER BY generation
