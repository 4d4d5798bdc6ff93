-- $1 generation int
SELECT generation, stream_id, owner_id, position, error, parked_at
FROM verbatim.parked
WHERE generation = $1
ORDER BY position
