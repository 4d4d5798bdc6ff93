-- $1 run_id uuid, $2 attempt int
DELETE FROM verbatim.leases WHERE run_id = $1 AND attempt = $2
