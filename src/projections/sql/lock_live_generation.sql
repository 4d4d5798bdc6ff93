-- $1 definition text, $2 timeout in milliseconds text. Holds the live generation where it is.
SELECT generation, definition, state, position,
    set_config('idle_in_transaction_session_timeout', $2, true)
FROM verbatim.generations
WHERE definition = $1 AND state = 'live'
FOR UPDATE
