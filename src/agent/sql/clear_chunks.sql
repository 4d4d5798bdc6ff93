-- $1 attachment_id uuid. What an upload that broke off has left.
DELETE FROM verbatim.attachment_chunks WHERE attachment_id = $1
