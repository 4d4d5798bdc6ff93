-- $1 run_id uuid. Whoever holds it: the run has ended.
DELETE FROM verbatim.leases WHERE run_id = $1
