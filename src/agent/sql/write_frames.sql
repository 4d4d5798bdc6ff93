-- $1 run_ids uuid[], $2 attempts int[], $3 seqs int[], $4 bodies bytea[]
-- Only the attempt that holds the lease may write. Answers what was written. A frame may be lost
-- with the database's last moments (the run is then attempted again), so the commit does not wait.
WITH hurried AS (
    SELECT set_config('synchronous_commit', 'off', true) AS setting
), allowed AS (
    SELECT l.run_id, l.attempt FROM verbatim.leases AS l
    WHERE l.run_id = ANY ($1) AND (SELECT setting FROM hurried) = 'off'
    FOR SHARE
)
INSERT INTO verbatim.frames (run_id, seq, body)
SELECT f.run_id, f.seq, f.body
FROM unnest($1::uuid[], $2::int[], $3::int[], $4::bytea[]) AS f (run_id, attempt, seq, body)
JOIN allowed AS a ON a.run_id = f.run_id AND a.attempt = f.attempt
RETURNING run_id, seq
