-- $1 attachment_id uuid, $2 owner_id text, $3 key_id uuid, $4 description bytea, $5 size_bytes bigint,
-- $6 limit_bytes bigint, $7 has_key boolean (false: nothing is encrypted)
-- No row when the owner's attachments would exceed the limit, or the data key is gone. The owner's
-- attachments are locked.
INSERT INTO verbatim.attachments (attachment_id, owner_id, key_id, description, size_bytes)
SELECT $1::uuid, $2::text, $3::uuid, $4::bytea, $5::bigint
WHERE $5::bigint + (
        SELECT coalesce(sum(a.size_bytes), 0) FROM verbatim.attachments AS a WHERE a.owner_id = $2
    ) <= $6::bigint
    AND (NOT $7::boolean OR EXISTS (SELECT FROM verbatim.data_keys AS k WHERE k.key_id = $3))
RETURNING created_at
