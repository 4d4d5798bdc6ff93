-- $1 stream_id text, $2 topic text: the version of the stream's last event of that topic, or 0.
SELECT coalesce(max(stream_version), 0) FROM verbatim.events WHERE stream_id = $1 AND topic = $2
