-- $1 stream_id text, $2 after_version bigint, $3 up_to_version bigint, $4 limit int; with positions
SELECT e.stream_id, e.stream_version, e.event_id, e.topic, e.schema_version, e.state, e.owner_id,
    e.metadata, e.recorded_at, l.position
FROM verbatim.events AS e
LEFT JOIN verbatim.log AS l USING (stream_id, stream_version)
WHERE e.stream_id = $1 AND e.stream_version > $2 AND e.stream_version <= $3
ORDER BY e.stream_version
LIMIT $4
