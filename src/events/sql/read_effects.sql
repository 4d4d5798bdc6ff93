-- $1 owner_id text, $2 run_id text, $3 call_ids text[]
-- The task events that name a run or one of its tool calls as their cause. Reads all task events.
SELECT e.stream_id, e.stream_version, e.event_id, e.topic, e.schema_version, e.state, e.owner_id,
    e.metadata, e.recorded_at, l.position
FROM verbatim.events AS e
LEFT JOIN verbatim.log AS l USING (stream_id, stream_version)
WHERE e.stream_id >= 'task-' AND e.stream_id < 'task.' AND e.owner_id = $1
    AND (e.metadata::json ->> 'correlation_id' = $2
        OR e.metadata::json ->> 'causation_id' = ANY ($3))
ORDER BY l.position, e.stream_id, e.stream_version
