-- $1 note_ids bigint[]
DELETE FROM verbatim.parking_notes WHERE note_id = ANY ($1)
