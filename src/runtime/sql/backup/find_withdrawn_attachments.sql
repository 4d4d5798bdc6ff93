-- $1 attachment_ids uuid[]. Those that were deleted meanwhile.
SELECT wanted.attachment_id
FROM unnest($1::uuid[]) AS wanted (attachment_id)
WHERE NOT EXISTS (
    SELECT FROM verbatim.attachments AS a WHERE a.attachment_id = wanted.attachment_id
)
