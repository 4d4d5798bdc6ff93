-- Every generation with how far it is, how far the log is, for how long its next event has been
-- lying, how many streams are parked, and whether somebody builds for its definition.
SELECT g.generation, g.definition, g.state, g.position, g.swapped_at, g.last_error, h.head,
    (SELECT count(*) FROM verbatim.parked AS p WHERE p.generation = g.generation) AS parked,
    (SELECT greatest(0, extract(epoch FROM now() - e.recorded_at))::float8
        FROM verbatim.log AS l
        JOIN verbatim.events AS e USING (stream_id, stream_version)
        WHERE l.position = g.position + 1) AS lag_seconds,
    g.state = 'building' AND EXISTS (
        SELECT FROM pg_locks AS k
        WHERE k.locktype = 'advisory' AND k.granted AND k.objsubid = 1
            AND k.database = (SELECT oid FROM pg_database WHERE datname = current_database())
            AND k.classid::bigint << 32 | k.objid::bigint
                = hashtextextended(g.definition, 7308325537102297)) AS is_being_built
FROM verbatim.generations AS g,
    (SELECT coalesce(max(l.position), 0) AS head FROM verbatim.log AS l) AS h
ORDER BY g.generation
