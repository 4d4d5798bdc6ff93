-- $1 owner_id text, $2 stream_id text: the user's data keys, and the version of the user's stream.
SELECT (SELECT count(*) FROM verbatim.data_keys WHERE owner_id = $1) AS keys,
    coalesce((SELECT version FROM verbatim.heads WHERE stream_id = $2), 0) AS version
