-- $1 percent of the pages real, $2 least and $3 greatest stream_id text[]: of each category,
-- $4 limit int
SELECT h.stream_id
FROM verbatim.heads AS h TABLESAMPLE SYSTEM ($1)
WHERE EXISTS (
    SELECT FROM unnest($2::text[], $3::text[]) AS c (least, greatest)
    WHERE h.stream_id > c.least AND h.stream_id < c.greatest)
ORDER BY random()
LIMIT $4
