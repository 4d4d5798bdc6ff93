-- $1 fingerprint text. Answers the fingerprint that is stored: the first one ever given.
WITH claimed AS (
    INSERT INTO verbatim.facts (name, value) VALUES ('event_key_fingerprint', $1)
    ON CONFLICT (name) DO NOTHING
    RETURNING value
)
SELECT value FROM claimed
UNION ALL
SELECT value FROM verbatim.facts WHERE name = 'event_key_fingerprint'
LIMIT 1
