-- The sealed log in the shape that the `eventsourcing` library's PostgresApplicationRecorder selects
-- from: schema `verbatim`, events_table_name `stored_events`, originator_id_type `text`. The state is
-- as it is stored. A reader needs USAGE on the schema and SELECT on this view, and nothing else; its
-- subscriptions follow when the recorder's channel_name is `verbatim_log`.
--
-- Looked up, not joined: only for a single table does max(notification_id), which the library asks
-- for again and again, become one step into an index.
CREATE VIEW verbatim.stored_events AS
SELECT l.stream_id AS originator_id,
    l.stream_version AS originator_version,
    (SELECT e.topic FROM verbatim.events AS e
        WHERE e.stream_id = l.stream_id AND e.stream_version = l.stream_version) AS topic,
    (SELECT e.state FROM verbatim.events AS e
        WHERE e.stream_id = l.stream_id AND e.stream_version = l.stream_version) AS state,
    l.position AS notification_id
FROM verbatim.log AS l;
