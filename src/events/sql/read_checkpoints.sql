-- $1 after_tree_size bigint, $2 limit int. In order.
SELECT tree_size, note FROM verbatim.checkpoints WHERE tree_size > $1 ORDER BY tree_size LIMIT $2
