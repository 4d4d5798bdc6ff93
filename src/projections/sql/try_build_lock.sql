-- Whether this transaction is now the only one that builds; it may stay idle meanwhile.
SELECT pg_try_advisory_xact_lock(7308325537102297) AS is_mine,
    set_config('idle_in_transaction_session_timeout', '0', true)
