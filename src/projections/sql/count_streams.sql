-- About how many streams there are; -1 where nobody has counted yet.
SELECT reltuples::bigint FROM pg_class WHERE oid = 'verbatim.heads'::regclass
