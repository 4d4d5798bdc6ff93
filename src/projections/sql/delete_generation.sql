-- $1 generation int
DELETE FROM verbatim.generations WHERE generation = $1
