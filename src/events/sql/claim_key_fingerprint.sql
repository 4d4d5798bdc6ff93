-- $1 fingerprint text. Answers the fingerprint that is stored: the first one ever given, also when
-- another node gives one at the same moment (hence an update that changes nothing).
INSERT INTO verbatim.facts AS f (name, value) VALUES ('event_key_fingerprint', $1)
ON CONFLICT (name) DO UPDATE SET value = f.value
RETURNING value
