from __future__ import annotations

import pytest

from commands.errors import InvalidCommand
from commands.user import NAME_CHARACTERS, RecordDeletion, RecordUpload
from events.user import AttachmentDeleted, AttachmentUploaded, DataExported
from tests.unit.commands.scenario import given

UPLOADED = AttachmentUploaded(
    attachment_id="a1", name="plan.pdf", mime_type="application/pdf", size_bytes=7
)
DELETED = AttachmentDeleted(attachment_id="a1")


def upload(attachment_id: str = "a1", name: str = "plan.pdf") -> RecordUpload:
    return RecordUpload(
        attachment_id=attachment_id, name=name, mime_type="application/pdf", size_bytes=7
    )


def test_upload_is_recorded() -> None:
    given().when(upload()).then(UPLOADED)
    given(DataExported()).when(upload()).then(UPLOADED)


def test_upload_that_was_recorded_changes_nothing() -> None:
    given(UPLOADED).when(upload()).then()


def test_deletion_is_recorded_once_for_what_was_uploaded() -> None:
    given(UPLOADED).when(RecordDeletion(attachment_id="a1")).then(DELETED)
    given(UPLOADED, DELETED).when(RecordDeletion(attachment_id="a1")).then()


def test_deletion_of_what_was_never_uploaded_changes_nothing() -> None:
    given(UPLOADED).when(RecordDeletion(attachment_id="a2")).then()


@pytest.mark.parametrize("name", ["plan.pdf", "naïve 計画.txt", "x" * NAME_CHARACTERS])
def test_name_of_any_language_is_taken(name: str) -> None:
    given().when(upload(name=name)).then(
        AttachmentUploaded(attachment_id="a1", name=name, mime_type="application/pdf", size_bytes=7)
    )


@pytest.mark.parametrize(
    "name", ["", "  ", "a\x00b", "a\nb", "\ud800", "x" * (NAME_CHARACTERS + 1)]
)
def test_name_that_nobody_can_read_is_refused(name: str) -> None:
    given().when(upload(name=name)).refuses(InvalidCommand, match="255")
