-- $1 definition text. The generations that are kept up to date, the live one first.
SELECT generation, definition, state, position
FROM verbatim.generations
WHERE definition = $1 AND state IN ('live', 'standby')
ORDER BY state, generation DESC
