-- $1 run_id uuid. The newest frame's number; 0 when the run has none.
SELECT coalesce(max(seq), 0) FROM verbatim.frames WHERE run_id = $1
