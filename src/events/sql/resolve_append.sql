-- $1 stream_id text, $2 stream_version bigint, $3 event_id uuid. Whether that append committed.
SELECT EXISTS (
    SELECT FROM verbatim.events
    WHERE stream_id = $1 AND stream_version = $2 AND event_id = $3
)
