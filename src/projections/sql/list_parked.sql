-- $1 generation int. With the event that could not be applied, and how many of the stream are missing.
SELECT p.generation, p.stream_id, p.owner_id, p.position, p.error, p.parked_at,
    e.topic, e.stream_version, h.version - e.stream_version + 1 AS missing
FROM verbatim.parked AS p
JOIN verbatim.log AS l ON l.position = p.position
JOIN verbatim.events AS e ON e.stream_id = l.stream_id AND e.stream_version = l.stream_version
JOIN verbatim.heads AS h ON h.stream_id = p.stream_id
WHERE p.generation = $1
ORDER BY p.position
