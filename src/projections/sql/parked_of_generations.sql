-- $1 generations int[]
SELECT generation, stream_id, position FROM verbatim.parked WHERE generation = ANY ($1)
