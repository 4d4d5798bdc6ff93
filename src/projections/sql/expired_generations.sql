-- Those that look as if they had: on standby or being built for more than a day.
SELECT generation
FROM verbatim.generations
WHERE state = 'standby' AND swapped_at < now() - interval '1 day'
    OR state = 'building' AND created_at < now() - interval '1 day'
ORDER BY generation
