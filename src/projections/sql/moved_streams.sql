-- $1 after position bigint, $2 up to position bigint
SELECT DISTINCT stream_id FROM verbatim.log WHERE position > $1 AND position <= $2
