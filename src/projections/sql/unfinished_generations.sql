-- $1 definition text. Those whose building was begun, newest first.
SELECT generation, definition, state, position
FROM verbatim.generations
WHERE definition = $1 AND state = 'building'
ORDER BY generation DESC
