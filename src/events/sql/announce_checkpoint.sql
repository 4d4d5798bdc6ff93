-- $1 tree_size bigint
INSERT INTO verbatim.facts (name, value) VALUES ('announced_checkpoint', $1::bigint::text)
ON CONFLICT (name) DO UPDATE SET value = excluded.value
WHERE facts.value::bigint < excluded.value::bigint
