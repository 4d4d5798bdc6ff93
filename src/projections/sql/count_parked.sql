-- $1 generation int. Its parked streams, and whether any parking or retry is still to be recorded.
SELECT (SELECT count(*) FROM verbatim.parked WHERE generation = $1) AS parked,
    EXISTS (SELECT FROM verbatim.parking_notes) AS has_notes
