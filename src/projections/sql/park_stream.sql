-- $1 generation int, $2 stream_id text, $3 owner_id text, $4 position bigint, $5 error text
WITH parked AS (
    INSERT INTO verbatim.parked (generation, stream_id, owner_id, position, error)
    VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (generation, stream_id) DO NOTHING
    RETURNING stream_id, position, error
)
INSERT INTO verbatim.parking_notes (stream_id, position, error)
SELECT stream_id, position, error FROM parked
