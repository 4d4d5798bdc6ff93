-- $1 conversation_id text, $2 owner_id text. Every unfinished run of a conversation.
WITH asked AS (
    UPDATE verbatim.leases SET is_cancel_requested = true
    WHERE conversation_id = $1 AND owner_id = $2
    RETURNING run_id
)
SELECT pg_notify('verbatim_runs', run_id::text) FROM asked
