-- $1 after_position bigint, $2 up_to_position bigint, $3 limit int, $4 categories text[] (or null)
-- The limit stands inside, or a planner without statistics joins the whole tables for a few rows.
SELECT e.stream_id, e.stream_version, e.event_id, e.topic, e.schema_version, e.state, e.owner_id,
    e.metadata, e.recorded_at, l.position
FROM (
    SELECT position, stream_id, stream_version
    FROM verbatim.log
    WHERE position > $1 AND position <= $2
        AND ($4::text[] IS NULL OR split_part(stream_id, '-', 1) = ANY ($4))
    ORDER BY position
    LIMIT $3
) AS l
JOIN verbatim.events AS e USING (stream_id, stream_version)
ORDER BY l.position
