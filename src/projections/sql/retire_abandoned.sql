-- $1 definition text: of the release that asks. Puts on standby what was live for another one, whose
-- projectors have left the next event lying for more than a day.
UPDATE verbatim.generations AS g
SET state = 'standby', swapped_at = now()
WHERE g.state = 'live' AND g.definition <> $1 AND EXISTS (
    SELECT FROM verbatim.log AS l
    JOIN verbatim.events AS e USING (stream_id, stream_version)
    WHERE l.position = g.position + 1 AND e.recorded_at < now() - interval '1 day')
RETURNING g.generation
