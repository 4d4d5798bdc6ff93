-- $1 generation int
-- The generation, if it has expired still and nobody builds it; held until the transaction ends.
SELECT g.generation
FROM verbatim.generations AS g
WHERE g.generation = $1 AND (
    g.state = 'standby' AND g.swapped_at < now() - interval '1 day'
    OR g.state = 'building' AND g.created_at < now() - interval '1 day'
        AND pg_try_advisory_xact_lock(hashtextextended(g.definition, 7308325537102297)))
FOR UPDATE
