-- The newest checkpoint, and how many seconds old it is.
SELECT tree_size, root, note, extract(epoch FROM now() - signed_at)::float8 AS age_seconds
FROM verbatim.checkpoints
ORDER BY tree_size DESC
LIMIT 1
