-- $1 run_id uuid, $2 attempt int, $3 tokens bigint: what the run used so far, charged to its owner.
-- A paused run has no lease. One that was asked to stop meanwhile keeps it: whoever holds it or
-- takes it over stops the run.
WITH released AS (
    DELETE FROM verbatim.leases WHERE run_id = $1 AND attempt = $2 AND NOT is_cancel_requested
    RETURNING owner_id
)
INSERT INTO verbatim.token_use AS u (owner_id, used_on, tokens)
SELECT r.owner_id, (clock_timestamp() AT TIME ZONE 'UTC')::date, $3::bigint
FROM released AS r WHERE $3::bigint > 0
ON CONFLICT (owner_id, used_on) DO UPDATE SET tokens = u.tokens + excluded.tokens
