-- $1 definition text
INSERT INTO verbatim.generations (definition, state) VALUES ($1, 'building')
RETURNING generation, definition, state, position
