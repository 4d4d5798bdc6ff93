"""Tracking records: a table of the adapter's own, whose rows may join an append."""

from __future__ import annotations

from anyio.from_thread import BlockingPortal
from eventsourcing.persistence import Tracking, TrackingRecorder

from events.stored import Companion
from tests.contract.eventsourcing.calling import LogAdapter
from tests.log_node import LogNode

#: Refuses with calling.STALE_TRACKING.
CREATE_TRACKING = """
CREATE TABLE IF NOT EXISTS tracking (
    application_name text PRIMARY KEY,
    notification_id bigint NOT NULL
);
CREATE OR REPLACE FUNCTION track(application text, notification bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tracking AS t VALUES (application, notification)
    ON CONFLICT (application_name) DO UPDATE SET notification_id = notification
    WHERE t.notification_id < notification;
    IF NOT FOUND THEN
        RAISE EXCEPTION '% is not newer than what % has tracked', notification, application
            USING ERRCODE = 'VT001';
    END IF;
END
$$;
"""
TRACK = "SELECT track($1, $2)"
MAX_TRACKED = "SELECT notification_id FROM tracking WHERE application_name = $1"


class LogTrackingRecorder(LogAdapter, TrackingRecorder):
    def __init__(self, portal: BlockingPortal, node: LogNode) -> None:
        super().__init__(portal, node)
        self.call(node.pool.execute, CREATE_TRACKING)

    def insert_tracking(self, tracking: Tracking) -> None:
        self.call(self.node.pool.execute, TRACK, *_values_of(tracking))

    def max_tracking_id(self, application_name: str) -> int | None:
        found: int | None = self.call(self.node.pool.fetchval, MAX_TRACKED, application_name)
        return found


def companion_of(tracking: Tracking) -> Companion:
    return Companion(statement=TRACK, values=_values_of(tracking))


def _values_of(tracking: Tracking) -> tuple[str, int]:
    return tracking.application_name, tracking.notification_id
