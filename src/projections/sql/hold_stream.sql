-- $1 stream_id text. Its version, which stays until the end of the transaction.
SELECT version FROM verbatim.heads WHERE stream_id = $1 FOR UPDATE
