-- $1 definition text
-- Whether this transaction is now the only one that builds for the definition; it may stay idle
-- meanwhile.
SELECT pg_try_advisory_xact_lock(hashtextextended($1, 7308325537102297)) AS is_mine,
    set_config('idle_in_transaction_session_timeout', '0', true)
