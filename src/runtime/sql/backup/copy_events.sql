-- $1 after_position bigint, $2 up_to_position bigint
SELECT e.stream_id, e.stream_version, e.event_id, e.topic, e.schema_version, e.state, e.owner_id,
    e.metadata, e.recorded_at
FROM verbatim.log AS l
JOIN verbatim.events AS e USING (stream_id, stream_version)
WHERE l.position > $1 AND l.position <= $2
ORDER BY l.position
