-- $1 generation int, $2 from bigint, $3 to bigint, $4 timeout in milliseconds text.
-- Moves the checkpoint and so locks the generation until the end of the transaction; no row when
-- another node moved it first. A holder that falls silent loses its transaction after the timeout.
UPDATE verbatim.generations
SET position = $3, last_error = NULL
WHERE generation = $1 AND state IN ('live', 'standby', 'building') AND position = $2
RETURNING generation, definition, state, position,
    set_config('idle_in_transaction_session_timeout', $4, true)
