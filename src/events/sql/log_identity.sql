-- What tells this log from every other, restored copies of it excepted.
SELECT value FROM verbatim.facts WHERE name = 'log_id'
