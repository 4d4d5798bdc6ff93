-- $1 level int, $2 first_index bigint, $3 hashes bytea[]. Another node may have been faster.
INSERT INTO verbatim.tree (level, index, hash)
SELECT $1, $2 + n.place - 1, n.hash FROM unnest($3::bytea[]) WITH ORDINALITY AS n (hash, place)
ON CONFLICT DO NOTHING
