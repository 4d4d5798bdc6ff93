-- $1 limit int
SELECT note_id, stream_id, position, error FROM verbatim.parking_notes ORDER BY note_id LIMIT $1
