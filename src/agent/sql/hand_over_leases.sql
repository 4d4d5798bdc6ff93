-- $1 node_id uuid, $2 run_ids uuid[], $3 expired_after_seconds float8
-- A node that shuts down lets others take its runs at once.
UPDATE verbatim.leases
SET heartbeat_at = clock_timestamp() - make_interval(secs => $3 + 1)
WHERE node_id = $1 AND run_id = ANY ($2)
