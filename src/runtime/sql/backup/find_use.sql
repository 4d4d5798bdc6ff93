-- Whether a database holds events, or at least something that a server has left there.
SELECT EXISTS (SELECT FROM verbatim.events) OR EXISTS (SELECT FROM verbatim.log)
        OR EXISTS (SELECT FROM verbatim.inbox) AS has_events,
    EXISTS (SELECT FROM verbatim.data_keys) OR EXISTS (SELECT FROM verbatim.attachments) AS has_keys
