-- $1 generations int[]
SELECT generation, definition, state, position
FROM verbatim.generations
WHERE generation = ANY ($1)
