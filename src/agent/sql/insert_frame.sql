-- $1 run_id uuid, $2 seq int, $3 body bytea, $4 is_last boolean
INSERT INTO verbatim.frames (run_id, seq, body, is_last) VALUES ($1, $2, $3, $4)
