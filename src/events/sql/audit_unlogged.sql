-- $1 limit int: events that are in no place of the log and wait for none.
SELECT e.stream_id, e.stream_version
FROM verbatim.events AS e
LEFT JOIN verbatim.log AS l USING (stream_id, stream_version)
WHERE l.position IS NULL AND NOT EXISTS (
    SELECT FROM verbatim.inbox AS i, unnest(i.stream_ids, i.first_versions, i.last_versions)
        AS r (stream_id, first_version, last_version)
    WHERE r.stream_id = e.stream_id AND e.stream_version BETWEEN r.first_version AND r.last_version)
ORDER BY e.stream_id, e.stream_version
LIMIT $1
