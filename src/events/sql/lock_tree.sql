-- For the transaction: one node at a time grows the tree and signs.
SELECT pg_advisory_xact_lock(7308325537102298)
