-- $1 owner_id text
SELECT count(*) FROM verbatim.leases WHERE owner_id = $1
