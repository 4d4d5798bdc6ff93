-- $1 level int, $2 first_index bigint, $3 last_index bigint
SELECT index, hash FROM verbatim.tree WHERE level = $1 AND index BETWEEN $2 AND $3
