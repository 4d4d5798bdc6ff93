-- $1 generation int, $2 stream_id text. No row when it is not parked.
WITH unparked AS (
    DELETE FROM verbatim.parked WHERE generation = $1 AND stream_id = $2
    RETURNING stream_id, position
), noted AS (
    INSERT INTO verbatim.parking_notes (stream_id, position)
    SELECT stream_id, position FROM unparked
)
SELECT stream_id FROM unparked
