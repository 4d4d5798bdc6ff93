-- $1 attachment_ids uuid[]
SELECT attachment_id, owner_id, key_id, description, size_bytes, is_complete, conversation_id, created_at
FROM verbatim.attachments
WHERE attachment_id = ANY ($1::uuid[])
ORDER BY attachment_id
