-- The position of the newest sealed event and how many inbox rows still wait.
SELECT coalesce((SELECT max(position) FROM verbatim.log), 0) AS head,
    (SELECT count(*) FROM (SELECT FROM verbatim.inbox LIMIT 1000) AS waiting) AS unsealed
