-- $1 key_ids uuid[]
SELECT key_id, owner_id, wrapped FROM verbatim.data_keys WHERE key_id = ANY ($1)
