-- $1 level int: how many nodes of that level are stored.
SELECT coalesce(max(index) + 1, 0) FROM verbatim.tree WHERE level = $1
