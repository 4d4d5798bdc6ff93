-- $1 run_id uuid, $2 conversation_id text, $3 owner_id text, $4 node_id uuid, $5 attempt int
-- A row is still there when a stop was asked for while the run paused, or when a takeover has just
-- begun; the attempt is above the takeover's, and the stop stays asked for.
INSERT INTO verbatim.leases (run_id, conversation_id, owner_id, node_id, attempt)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (run_id) DO UPDATE
SET node_id = excluded.node_id, attempt = excluded.attempt, heartbeat_at = clock_timestamp()
