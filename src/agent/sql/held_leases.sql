-- $1 run_ids uuid[]
SELECT run_id FROM verbatim.leases WHERE run_id = ANY ($1)
