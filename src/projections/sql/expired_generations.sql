-- $1 definition text: of the release that asks. Those that look as if they had.
SELECT g.generation
FROM verbatim.generations AS g
WHERE g.state = 'standby' AND g.swapped_at < now() - interval '1 day'
    OR g.state = 'building' AND g.created_at < now() - interval '1 day'
    OR g.state = 'live' AND g.definition <> $1 AND EXISTS (
        SELECT FROM verbatim.log AS l
        JOIN verbatim.events AS e USING (stream_id, stream_version)
        WHERE l.position = g.position + 1 AND e.recorded_at < now() - interval '1 day')
ORDER BY g.generation
