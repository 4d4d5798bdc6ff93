-- $1 conversation_id text, $2 owner_id text. Their chunks go with them.
DELETE FROM verbatim.attachments WHERE conversation_id = $1 AND owner_id = $2
