-- $1 generation int, $2 position bigint: how far it must be at least
UPDATE verbatim.generations
SET state = 'live', swapped_at = now()
WHERE generation = $1 AND position >= $2
RETURNING generation, definition, state, position
