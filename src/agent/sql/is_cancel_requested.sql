-- $1 run_id uuid
SELECT EXISTS (SELECT FROM verbatim.leases WHERE run_id = $1 AND is_cancel_requested)
