-- Every event of an append holds the append's key, and the keyed hash of its request.
INSERT INTO verbatim.idempotency (stream_id, idempotency_key, first_version, last_version, request_hash)
SELECT stream_id, idempotency_key, min(stream_version), max(stream_version),
    decode(min(request_hash), 'hex')
FROM (
    SELECT stream_id, stream_version, metadata::json ->> 'idempotency_key' AS idempotency_key,
        metadata::json ->> 'request_hash' AS request_hash
    FROM verbatim.events
    WHERE position('"idempotency_key"' IN metadata) > 0
) AS keyed
WHERE idempotency_key IS NOT NULL
GROUP BY stream_id, idempotency_key
