-- $1 limit int: inbox rows to seal at most. Answers (head, sealed, is_more).
SELECT head, sealed, is_more FROM verbatim.seal($1)
