-- What a backup says of the database it was taken from; asked after everything committed was sealed.
SELECT clock_timestamp() AS taken_at,
    (SELECT version_num FROM verbatim.schema_version) AS revision,
    (SELECT value FROM verbatim.facts WHERE name = 'event_key_fingerprint') AS event_key_fingerprint,
    coalesce(pg_sequence_last_value(
        pg_get_serial_sequence('verbatim.inbox', 'inbox_id')::regclass), 0) AS inbox_id
