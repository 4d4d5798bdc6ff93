-- $1 generation int
UPDATE verbatim.generations SET state = 'standby', swapped_at = now() WHERE generation = $1
