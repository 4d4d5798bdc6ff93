-- $1 after_position bigint, $2 limit int. The log's rows with their events, where they are still there.
SELECT l.position, l.leaf, l.stream_id, l.stream_version,
    e.event_id, e.topic, e.schema_version, e.state, e.owner_id, e.metadata, e.recorded_at
FROM (
    SELECT position, leaf, stream_id, stream_version
    FROM verbatim.log
    WHERE position > $1
    ORDER BY position
    LIMIT $2
) AS l
LEFT JOIN verbatim.events AS e USING (stream_id, stream_version)
ORDER BY l.position
