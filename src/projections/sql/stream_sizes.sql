-- $1 after stream_id text, $2 up to stream_id text, $3 limit int
SELECT stream_id, version
FROM verbatim.heads
WHERE stream_id > $1 AND stream_id <= $2
ORDER BY stream_id
LIMIT $3
