-- $1 tree_size bigint, $2 root bytea, $3 note text, $4 signed_at timestamptz
INSERT INTO verbatim.checkpoints (tree_size, root, note, signed_at) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING
