-- $1 older_than_seconds float8. Uploads that were announced and never finished.
DELETE FROM verbatim.attachments
WHERE NOT is_complete AND created_at < now() - make_interval(secs => $1)
