-- $1 generation int
SELECT generation, definition, state, position FROM verbatim.generations WHERE generation = $1
