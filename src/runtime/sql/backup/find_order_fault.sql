-- The first position that is not the next one, or whose event is not the next one of its stream.
SELECT expected_position, position, stream_id, stream_version, expected_version
FROM (
    SELECT position, row_number() OVER (ORDER BY position) AS expected_position,
        stream_id, stream_version,
        row_number() OVER (PARTITION BY stream_id ORDER BY position) AS expected_version
    FROM verbatim.log
) AS numbered
WHERE position <> expected_position OR stream_version <> expected_version
ORDER BY position
LIMIT 1
