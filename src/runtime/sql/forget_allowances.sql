-- What was counted for minutes and days that are over.
WITH sends AS (
    DELETE FROM verbatim.allowances AS a
    WHERE NOT EXISTS (SELECT FROM unnest(a.sent_at) AS s WHERE s > clock_timestamp() - interval '1 hour')
)
DELETE FROM verbatim.token_use
WHERE used_on < (clock_timestamp() AT TIME ZONE 'UTC')::date - 1
