-- The tree size of the last checkpoint that the hook was given.
SELECT coalesce((SELECT value::bigint FROM verbatim.facts WHERE name = 'announced_checkpoint'), 0)
