-- $1 stream_id text, $2 tree_size bigint: the stream's last version among that many leaves, or null.
SELECT max(stream_version) FROM verbatim.log WHERE stream_id = $1 AND position <= $2
