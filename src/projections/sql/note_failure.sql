-- $1 generation int, $2 error text: a sentence. Stands until the generation next moves.
UPDATE verbatim.generations SET last_error = $2
WHERE generation = $1 AND last_error IS DISTINCT FROM $2
