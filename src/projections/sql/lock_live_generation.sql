-- $1 definition text, $2 timeout of silence and $3 of waiting, in milliseconds text.
-- Holds the live generation where it is.
SELECT generation, definition, state, position,
    set_config('idle_in_transaction_session_timeout', $2, true)
FROM verbatim.generations, set_config('lock_timeout', $3, true)
WHERE definition = $1 AND state = 'live'
FOR UPDATE OF generations
