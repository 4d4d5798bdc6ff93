-- $1 inbox_id bigint: the last one that was given out.
SELECT setval(pg_get_serial_sequence('verbatim.inbox', 'inbox_id')::regclass, $1)
WHERE $1 > 0
