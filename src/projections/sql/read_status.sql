-- Every generation with how far it is, how far the log is, and how many streams are parked.
SELECT g.generation, g.definition, g.state, g.position, g.created_at, g.swapped_at, g.last_error,
    coalesce((SELECT max(l.position) FROM verbatim.log AS l), 0) AS head,
    (SELECT count(*) FROM verbatim.parked AS p WHERE p.generation = g.generation) AS parked
FROM verbatim.generations AS g
ORDER BY g.generation
