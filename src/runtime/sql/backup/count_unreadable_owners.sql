-- Owners some of whose events are encrypted under a key that no longer exists.
SELECT count(DISTINCT e.owner_id)
FROM verbatim.events AS e
WHERE NOT EXISTS (
        SELECT FROM verbatim.data_keys AS k WHERE k.key_id = (e.metadata::json ->> 'key_id')::uuid)
    AND e.metadata::json ->> 'key_id' <> '00000000-0000-0000-0000-000000000000'
