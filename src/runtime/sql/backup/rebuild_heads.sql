-- `appended` matters to the append that wrote it alone, and is not to be had from the events.
INSERT INTO verbatim.heads (stream_id, version, appended, owner_id)
SELECT stream_id, max(stream_version), 1, min(owner_id)
FROM verbatim.events
GROUP BY stream_id
ORDER BY stream_id
