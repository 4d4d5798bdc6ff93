-- $1 after_position bigint, $2 up_to_position bigint. The first position that names no event.
SELECT p.position
FROM generate_series($1::bigint + 1, $2::bigint) AS p (position)
LEFT JOIN verbatim.log AS l ON l.position = p.position
LEFT JOIN verbatim.events AS e
    ON e.stream_id = l.stream_id AND e.stream_version = l.stream_version
WHERE e.stream_id IS NULL
ORDER BY p.position
LIMIT 1
