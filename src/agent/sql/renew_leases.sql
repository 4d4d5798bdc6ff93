-- $1 node_id uuid, $2 run_ids uuid[]. Answers the leases this node still holds.
-- Locked in the order in which frames are written, so that the two cannot wait for each other.
WITH held AS (
    SELECT run_id FROM verbatim.leases
    WHERE node_id = $1 AND run_id = ANY ($2)
    ORDER BY run_id
    FOR NO KEY UPDATE
)
UPDATE verbatim.leases AS l
SET heartbeat_at = clock_timestamp()
FROM held
WHERE l.run_id = held.run_id
RETURNING l.run_id, l.attempt, l.is_cancel_requested
