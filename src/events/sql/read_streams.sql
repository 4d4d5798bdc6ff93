-- Pages of many streams, each stream from its beginning to its end, in order of their ids.
-- $1 after stream_id text, $2 after version bigint, $3 up to stream_id text, $4 limit int, $5 bytes
-- bigint: what the states of a page may take, its first event's apart.
-- The lateral join keeps a planner without statistics from reading all of the log for a page of it.
SELECT e.stream_id, e.stream_version, e.event_id, e.topic, e.schema_version, e.state, e.owner_id,
    e.metadata, e.recorded_at, l.position
FROM (
    SELECT p.*, sum(octet_length(p.state)) OVER (ORDER BY p.stream_id, p.stream_version)
        - octet_length(p.state) AS bytes_before
    FROM (
        SELECT *
        FROM verbatim.events
        WHERE (stream_id, stream_version) > ($1, $2) AND stream_id <= $3
        ORDER BY stream_id, stream_version
        LIMIT $4
    ) AS p
) AS e
LEFT JOIN LATERAL (
    SELECT position
    FROM verbatim.log
    WHERE log.stream_id = e.stream_id AND log.stream_version = e.stream_version
    OFFSET 0
) AS l ON true
WHERE e.bytes_before < $5
ORDER BY e.stream_id, e.stream_version
