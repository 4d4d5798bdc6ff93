-- $1 up to position bigint. Who was erased, and where in the log that stands last.
SELECT l.stream_id, max(l.position) AS position
FROM verbatim.events AS e
JOIN verbatim.log AS l USING (stream_id, stream_version)
WHERE e.stream_id > 'user-' AND e.stream_id < 'user.' AND e.topic = 'user.erased'
    AND l.position <= $1
GROUP BY l.stream_id
