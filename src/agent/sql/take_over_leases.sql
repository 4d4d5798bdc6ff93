-- $1 node_id uuid, $2 expired_after_seconds float8, $3 dead_after_seconds float8, $4 limit int
-- Claims runs whose worker went silent; is_dead when one ever was for too long to resume.
WITH expired AS (
    SELECT run_id, heartbeat_at FROM verbatim.leases
    WHERE heartbeat_at < clock_timestamp() - make_interval(secs => $2)
    ORDER BY heartbeat_at
    LIMIT $4
    FOR UPDATE SKIP LOCKED
)
UPDATE verbatim.leases AS l
SET node_id = $1, attempt = l.attempt + 1, heartbeat_at = clock_timestamp(),
    is_dead = l.is_dead OR expired.heartbeat_at < clock_timestamp() - make_interval(secs => $3)
FROM expired
WHERE l.run_id = expired.run_id
RETURNING l.run_id, l.conversation_id, l.owner_id, l.attempt, l.is_cancel_requested, l.is_dead
