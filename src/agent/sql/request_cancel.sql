-- $1 run_id uuid, $2 owner_id text. Whether the run was still unfinished.
WITH asked AS (
    UPDATE verbatim.leases SET is_cancel_requested = true
    WHERE run_id = $1 AND owner_id = $2
    RETURNING run_id
)
SELECT pg_notify('verbatim_runs', run_id::text) FROM asked
