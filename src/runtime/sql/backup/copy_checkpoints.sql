-- $1 head bigint: later ones are of events that the backup does not hold.
SELECT tree_size, root, note, signed_at FROM verbatim.checkpoints WHERE tree_size <= $1 ORDER BY tree_size
