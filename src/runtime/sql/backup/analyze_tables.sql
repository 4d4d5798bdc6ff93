ANALYZE verbatim.events, verbatim.log, verbatim.heads, verbatim.idempotency, verbatim.data_keys
