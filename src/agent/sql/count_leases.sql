-- How many runs are unfinished on all nodes.
SELECT count(*) FROM verbatim.leases
