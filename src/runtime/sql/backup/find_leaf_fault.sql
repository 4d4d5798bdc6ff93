-- $1 after_position bigint, $2 up_to_position bigint
-- The first position whose event is missing, or is not the one that was sealed there.
SELECT l.position, l.stream_id, l.stream_version, e.stream_id IS NULL AS is_missing
FROM verbatim.log AS l
LEFT JOIN verbatim.events AS e
    ON e.stream_id = l.stream_id AND e.stream_version = l.stream_version
WHERE l.position > $1 AND l.position <= $2
    AND (e.stream_id IS NULL OR e.owner_id <> l.owner_id OR l.leaf <> verbatim.leaf_hash(e))
ORDER BY l.position
LIMIT 1
