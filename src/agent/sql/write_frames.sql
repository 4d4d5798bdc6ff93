-- $1 run_ids uuid[], $2 attempts int[], one of each a run;
-- $3 places int[] (of its run among those, from 1), $4 seqs int[], $5 bodies bytea[], one a frame
-- Only the attempt that holds the lease may write. Answers the places of the runs whose frames are
-- stored; some may be there already, of a statement whose answer was lost. A frame may be lost with the
-- database's last moments (the run is then attempted again), so the commit does not wait.
WITH hurried AS (
    SELECT set_config('synchronous_commit', 'off', true) AS setting
), allowed AS (
    SELECT l.run_id, w.place::int
    FROM unnest($1::uuid[], $2::int[]) WITH ORDINALITY AS w (run_id, attempt, place)
    JOIN verbatim.leases AS l ON l.run_id = w.run_id AND l.attempt = w.attempt
    WHERE (SELECT setting FROM hurried) = 'off'
    ORDER BY l.run_id
    FOR SHARE OF l
), written AS (
    INSERT INTO verbatim.frames (run_id, seq, body)
    SELECT a.run_id, f.seq, f.body
    FROM unnest($3::int[], $4::int[], $5::bytea[]) AS f (place, seq, body)
    JOIN allowed AS a ON a.place = f.place
    ON CONFLICT (run_id, seq) DO NOTHING
)
SELECT place FROM allowed
