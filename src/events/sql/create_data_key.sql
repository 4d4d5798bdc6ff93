-- $1 key_id uuid, $2 owner_id text, $3 wrapped bytea. No row when another node was first.
INSERT INTO verbatim.data_keys (key_id, owner_id, generation, wrapped)
SELECT $1, $2, 1, $3
WHERE NOT EXISTS (SELECT FROM verbatim.data_keys WHERE owner_id = $2)
ON CONFLICT (owner_id, generation) DO NOTHING
RETURNING key_id, owner_id, wrapped
