-- What was counted for minutes and days that are over.
WITH sends AS (
    DELETE FROM verbatim.allowances
    WHERE counted_at < extract(epoch FROM clock_timestamp() - interval '1 hour')::bigint
)
DELETE FROM verbatim.token_use
WHERE used_on < (clock_timestamp() AT TIME ZONE 'UTC')::date - 1
