-- One statement for a batch of appends, at most one a stream.
-- Appends: $1 stream_ids text[], $2 first_versions bigint[], $3 owner_ids text[],
--          $4 key_ids uuid[] (null: not encrypted), $5 idempotency_keys text[] and
--          $6 request_hashes bytea[] (null: nobody has one)
-- Events (all four null: one event an append): $7 last_versions of the appends bigint[],
--          $8 stream_ids text[], $9 versions bigint[], $10 owner_ids text[]
-- Events:  $11 event_ids uuid[],
--          $12 topics text[], $13 schema_versions int[], $14 states bytea[], $15 metadata text[]
-- Answers the stream ids that lost (null: none did). A node that stalls before it commits what
-- belongs to the append loses its session, and with it the locks that others wait for.
SELECT verbatim.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) AS losers,
    set_config('idle_in_transaction_session_timeout', '5s', true)
