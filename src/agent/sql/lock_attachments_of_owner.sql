-- $1 owner_id text. Whoever else announces an attachment of the owner waits for this transaction's end.
SELECT pg_advisory_xact_lock(hashtextextended('verbatim attachments of ' || $1::text, 0))
