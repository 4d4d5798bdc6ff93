-- $1 levels int[], $2 first_indexes bigint[], $3 last_indexes bigint[]: runs of stored nodes, of
-- which those of level 0 are the log's leaves. One or more rows for each run, in no order.
SELECT w.level, n.index, n.hash
FROM unnest($1::int[], $2::bigint[], $3::bigint[]) AS w (level, first, last)
CROSS JOIN LATERAL (
    SELECT l.position - 1 AS index, l.leaf AS hash
    FROM verbatim.log AS l
    WHERE w.level = 0 AND l.position BETWEEN w.first + 1 AND w.last + 1
    UNION ALL
    SELECT t.index, t.hash
    FROM verbatim.tree AS t
    WHERE w.level > 0 AND t.level = w.level AND t.index BETWEEN w.first AND w.last
) AS n
