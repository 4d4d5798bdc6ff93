-- $1 run_id uuid, $2 conversation_id text, $3 owner_id text, $4 node_id uuid
INSERT INTO verbatim.leases (run_id, conversation_id, owner_id, node_id) VALUES ($1, $2, $3, $4)
