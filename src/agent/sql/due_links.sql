-- $1 limit int
-- Linked conversations (their link streams have an odd version) that were deleted or erased here.
SELECT substr(l.stream_id, 6) AS conversation_id,
    CASE WHEN last.topic = 'conversation.deleted' THEN 'deleted' ELSE 'erased' END AS reason
FROM verbatim.heads AS l
JOIN verbatim.heads AS h ON h.stream_id = 'conversation-' || substr(l.stream_id, 6)
JOIN verbatim.events AS last ON last.stream_id = h.stream_id AND last.stream_version = h.version
JOIN verbatim.events AS started ON started.stream_id = h.stream_id AND started.stream_version = 1
WHERE l.stream_id > 'link-' AND l.stream_id < 'link.' AND l.version % 2 = 1
    AND (last.topic = 'conversation.deleted'
        -- The id of no key at all: nothing is encrypted, and so nothing is erased.
        OR started.metadata::json ->> 'key_id' <> '00000000-0000-0000-0000-000000000000'
        AND NOT EXISTS (SELECT FROM verbatim.data_keys AS k
            WHERE k.key_id = (started.metadata::json ->> 'key_id')::uuid))
LIMIT $1
