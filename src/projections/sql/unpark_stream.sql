-- $1 generation int, $2 stream_id text. No row when it is not parked.
DELETE FROM verbatim.parked WHERE generation = $1 AND stream_id = $2 RETURNING stream_id
