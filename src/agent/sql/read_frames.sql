-- $1 run_id uuid, $2 after_seq int, $3 limit int
SELECT seq, body, is_last FROM verbatim.frames
WHERE run_id = $1 AND seq > $2
ORDER BY seq
LIMIT $3
