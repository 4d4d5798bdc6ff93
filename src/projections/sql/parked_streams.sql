-- $1 generation int, $2 stream_ids text[]. Those of the streams that are parked.
SELECT stream_id FROM verbatim.parked WHERE generation = $1 AND stream_id = ANY ($2)
