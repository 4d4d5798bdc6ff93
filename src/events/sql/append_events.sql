-- One statement for a batch of appends, at most one a stream, sorted by stream id.
-- Appends: $1 stream_ids text[], $2 expected bigint[], $3 counts int[], $4 owner_ids text[],
--          $5 key_ids uuid[] (null: not encrypted), $6 idempotency_keys text[], $7 request_hashes bytea[]
-- Events:  $8 stream_ids text[], $9 versions bigint[], $10 event_ids uuid[], $11 topics text[],
--          $12 schema_versions int[], $13 states bytea[], $14 metadata text[]
-- Answers the stream ids that won. Heads are locked in one order, so batches never deadlock;
-- the inbox number is taken after the locks, so it follows the order within each stream.
WITH asked AS (
    SELECT *
    FROM unnest($1::text[], $2::bigint[], $3::int[], $4::text[], $5::uuid[], $6::text[], $7::bytea[])
        AS a (stream_id, expected, appended, owner_id, key_id, idempotency_key, request_hash)
), allowed AS (
    SELECT *
    FROM asked
    WHERE (asked.idempotency_key IS NULL OR NOT EXISTS (
            SELECT FROM verbatim.idempotency AS i
            WHERE i.stream_id = asked.stream_id AND i.idempotency_key = asked.idempotency_key))
        AND (asked.key_id IS NULL OR EXISTS (
            SELECT FROM verbatim.data_keys AS k WHERE k.key_id = asked.key_id))
        AND (asked.expected = 0 OR EXISTS (
            SELECT FROM verbatim.heads AS h WHERE h.stream_id = asked.stream_id))
), won AS (
    INSERT INTO verbatim.heads AS h (stream_id, version, appended, owner_id)
    SELECT stream_id, expected + appended, appended, owner_id FROM allowed ORDER BY stream_id
    ON CONFLICT (stream_id) DO UPDATE
    SET version = excluded.version, appended = excluded.appended
    WHERE h.version = excluded.version - excluded.appended
    RETURNING h.stream_id, h.version, h.appended
), stored AS (
    INSERT INTO verbatim.events
        (stream_id, stream_version, event_id, topic, schema_version, state, owner_id, metadata)
    SELECT e.stream_id, e.stream_version, e.event_id, e.topic, e.schema_version, e.state,
        asked.owner_id, e.metadata
    FROM unnest($8::text[], $9::bigint[], $10::uuid[], $11::text[], $12::int[], $13::bytea[], $14::text[])
        AS e (stream_id, stream_version, event_id, topic, schema_version, state, metadata)
    JOIN won USING (stream_id)
    JOIN asked USING (stream_id)
), remembered AS (
    INSERT INTO verbatim.idempotency (stream_id, idempotency_key, first_version, last_version, request_hash)
    SELECT stream_id, asked.idempotency_key, won.version - won.appended + 1, won.version, asked.request_hash
    FROM won JOIN asked USING (stream_id)
    WHERE asked.idempotency_key IS NOT NULL
), queued AS (
    INSERT INTO verbatim.inbox (stream_ids, first_versions, last_versions, owner_ids)
    SELECT array_agg(stream_id ORDER BY stream_id),
        array_agg(won.version - won.appended + 1 ORDER BY stream_id),
        array_agg(won.version ORDER BY stream_id),
        array_agg(asked.owner_id ORDER BY stream_id)
    FROM won JOIN asked USING (stream_id)
    HAVING count(*) > 0
)
SELECT stream_id FROM won
