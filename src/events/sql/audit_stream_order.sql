-- $1 up_to_position bigint, $2 limit int: where a stream's versions do not follow one another.
SELECT w.position, w.stream_id, w.stream_version, w.previous
FROM (
    SELECT l.position, l.stream_id, l.stream_version,
        lag(l.stream_version, 1, 0::bigint) OVER (PARTITION BY l.stream_id ORDER BY l.position) AS previous
    FROM verbatim.log AS l
    WHERE l.position <= $1
) AS w
WHERE w.stream_version <> w.previous + 1
ORDER BY w.position
LIMIT $2
