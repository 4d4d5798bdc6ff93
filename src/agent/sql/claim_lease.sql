-- $1 run_id uuid, $2 conversation_id text, $3 owner_id text, $4 node_id uuid; the owner's limits, null
-- for none: $5 messages a minute int, $6 unfinished runs int, $7 tokens a day bigint.
-- Fails with VB429 when one of them is reached.
SELECT verbatim.claim_lease($1, $2, $3, $4, $5, $6, $7)
