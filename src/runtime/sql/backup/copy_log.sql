-- $1 after_position bigint, $2 up_to_position bigint
SELECT position, stream_id, stream_version, owner_id, leaf
FROM verbatim.log
WHERE position > $1 AND position <= $2
ORDER BY position
