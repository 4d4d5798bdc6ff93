-- One statement for a batch of appends, at most one a stream.
-- Appends: $1 stream_ids text[], $2 first_versions bigint[], $3 last_versions bigint[],
--          $4 owner_ids text[], $5 key_ids uuid[] (null: not encrypted),
--          $6 idempotency_keys text[] (null: nobody has one), $7 request_hashes bytea[]
-- Events:  $8 stream_ids text[], $9 versions bigint[], $10 owner_ids text[], $11 event_ids uuid[],
--          $12 topics text[], $13 schema_versions int[], $14 states bytea[], $15 metadata text[]
-- Answers the stream ids that lost (null: none did).
SELECT verbatim.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) AS losers
