-- $1 attachment_id uuid, $2 owner_id text, $3 conversation_id text
-- The conversation of the first message that names it; deleting that one deletes the attachment.
UPDATE verbatim.attachments SET conversation_id = $3
WHERE attachment_id = $1 AND owner_id = $2 AND conversation_id IS NULL
