-- $1 owner_id text. Every unfinished run of a user; how many there are.
WITH asked AS (
    UPDATE verbatim.leases SET is_cancel_requested = true
    WHERE owner_id = $1
    RETURNING run_id
)
SELECT count(pg_notify('verbatim_runs', run_id::text)) FROM asked
