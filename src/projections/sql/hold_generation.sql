-- $1 generation int, $2 timeout in milliseconds text. Holds the generation where it is.
SELECT position, set_config('idle_in_transaction_session_timeout', $2, true)
FROM verbatim.generations
WHERE generation = $1
FOR UPDATE
