-- $1 node_id uuid, $2 run_ids uuid[]. Answers the leases this node still holds.
UPDATE verbatim.leases
SET heartbeat_at = clock_timestamp()
WHERE node_id = $1 AND run_id = ANY ($2)
RETURNING run_id, attempt, is_cancel_requested
