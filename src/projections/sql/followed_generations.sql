-- $1 definition text. The generations that are kept up to date: the live one first, then those on
-- standby, the one that was live last before the others.
SELECT generation, definition, state, position
FROM verbatim.generations
WHERE definition = $1 AND state IN ('live', 'standby')
ORDER BY state, swapped_at DESC, generation DESC
