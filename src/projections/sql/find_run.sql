-- $1 run_id text
-- The stream of a run by what its workers recorded, whatever the read tables hold. Reads all events.
SELECT stream_id
FROM verbatim.events
WHERE topic IN ('conversation.run_started', 'conversation.run_resumed')
    AND metadata::json ->> 'actor' = 'agent:' || $1
LIMIT 1
