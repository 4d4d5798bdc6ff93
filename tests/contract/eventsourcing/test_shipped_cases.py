"""The test cases that the `eventsourcing` library ships for recorders, run against our log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from unittest import TestCase

import pytest
from eventsourcing.persistence import (
    DatetimeAsISO,
    DecimalAsStr,
    IntegrityError,
    Notification,
    OperationalError,
    StoredEvent,
    Tracking,
    Transcoder,
    UUIDAsHex,
)
from eventsourcing.tests import persistence as shipped

from tests.contract.eventsourcing.adapter import (
    LogAggregateRecorder,
    LogApplicationRecorder,
    LogProcessRecorder,
)
from tests.contract.eventsourcing.on_our_log import OnOurLog
from tests.contract.eventsourcing.tracking import LogTrackingRecorder
from tests.contract.eventsourcing.transcoding import CodecTranscoder, Through

#: Shipped cases that are not run, each with the reason.
NOT_RUN = {
    "RecorderTestCase": "has no test of its own: the base of the others",
    "InfrastructureFactoryTestCase": (
        "asks a factory for the library's own recorders, mapper, cipher and compressor by "
        "environment variables; nothing of our log takes part"
    ),
}


class TestAggregateRecorder(OnOurLog, shipped.AggregateRecorderTestCase):
    def create_recorder(self) -> LogAggregateRecorder:
        return LogAggregateRecorder(self.portal, self.node)


class TestApplicationRecorder(
    OnOurLog, shipped.ApplicationRecorderTestCase[LogApplicationRecorder]
):
    def create_recorder(self) -> LogApplicationRecorder:
        return LogApplicationRecorder(self.portal, self.node)

    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


class TestTrackingRecorder(OnOurLog, shipped.TrackingRecorderTestCase):
    def create_recorder(self) -> LogTrackingRecorder:
        return LogTrackingRecorder(self.portal, self.node)


class TestProcessRecorder(OnOurLog, shipped.ProcessRecorderTestCase):
    def create_recorder(self) -> LogProcessRecorder:
        return LogProcessRecorder(self.portal, self.node)

    def test_events_are_not_stored_when_their_tracking_is_refused(self) -> None:
        recorder = self.create_recorder()
        recorder.insert_tracking(Tracking("upstream", 5))
        originator_id = self.new_originator_id()
        refused = StoredEvent(originator_id, 1, "topic", b"state")
        with pytest.raises(IntegrityError, match="5 is not newer"):
            recorder.insert_events([refused], tracking=Tracking("upstream", 5))
        assert recorder.select_events(originator_id) == []
        assert recorder.max_notification_id() is None


class TestNonInterleaving(OnOurLog, shipped.NonInterleavingNotificationIDsBaseCase):
    def create_recorder(self) -> LogApplicationRecorder:
        return LogApplicationRecorder(self.portal, self.node)


class SealedWhenRead(LogApplicationRecorder):
    """Everything that was inserted until then is sealed at once."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> None:
        self.call(self._append, stored_events)

    def select_notifications(self, *arguments: Any, **named: Any) -> Sequence[Notification]:
        self.call(self.node.sealer.seal)
        return super().select_notifications(*arguments, **named)


class TestNonInterleavingInOneSeal(TestNonInterleaving):
    is_sealing = False

    def create_recorder(self) -> LogApplicationRecorder:
        return SealedWhenRead(self.portal, self.node)


class TestTranscoder(shipped.TranscoderTestCase):
    def construct_transcoder(self) -> Transcoder:
        return CodecTranscoder(
            UUIDAsHex(),
            DecimalAsStr(),
            DatetimeAsISO(),
            shipped.CustomType1AsDict(),
            shipped.CustomType2AsDict(),
            Through(tuple, "tuple_as_list", list),
            Through(shipped.Mydict, "mydict", dict),
            Through(shipped.MyList, "mylist", list),
            Through(shipped.MyStr, "mystr", str),
            Through(shipped.MyInt, "myint", int),
        )


class TestErrors(OnOurLog, shipped.RecorderTestCase):
    def test_gap_between_two_inserts_is_an_integrity_error(self) -> None:
        recorder = LogAggregateRecorder(self.portal, self.node)
        originator_id = self.new_originator_id()
        recorder.insert_events([StoredEvent(originator_id, 1, "topic", b"state")])
        with pytest.raises(IntegrityError, match="expected at version 6 but is at 1"):
            recorder.insert_events([StoredEvent(originator_id, 7, "topic", b"state")])
        assert len(recorder.select_events(originator_id)) == 1

    def test_node_that_shuts_down_is_an_operational_error(self) -> None:
        recorder = LogAggregateRecorder(self.portal, self.node)
        self.portal.call(self.node.commits.close)
        stored = StoredEvent(self.new_originator_id(), 1, "topic", b"state")
        with pytest.raises(OperationalError, match="shutting down"):
            recorder.insert_events([stored])


def test_every_shipped_case_runs_or_says_why_not() -> None:
    cases = {
        name
        for name, member in vars(shipped).items()
        if isinstance(member, type)
        and issubclass(member, TestCase)
        and member.__module__ == shipped.__name__
    }
    run = {
        base.__name__
        for member in globals().values()
        if isinstance(member, type) and member.__module__ == __name__
        for base in member.__bases__
    }
    assert cases - run - NOT_RUN.keys() == set()
    assert NOT_RUN.keys() <= cases
