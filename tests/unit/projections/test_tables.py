from __future__ import annotations

import uuid

import msgspec
import pytest
from sqlalchemy import ARRAY, BigInteger, Boolean, Date, DateTime, Integer, LargeBinary, Text, Uuid

from events.cipher import DataKey
from projections import generations, messages
from projections.errors import InconsistentHistory, UnreadableRow
from projections.fold import MODELS
from projections.messages import MessageRow, ToolCall
from projections.ordinals import ordinal_of, turn_of
from projections.sealing import seal, unseal
from projections.tables import ReadModel
from tests.unit.projections.histories import NOON

DATA_KEY = DataKey(uuid.uuid4(), "ada", b"k" * 32)
ROW = MessageRow(
    id="m1",
    conversation_id="c1",
    owner_id="ada",
    ordinal=1,
    branch_id="main",
    number=1,
    role="assistant",
    status="running",
    created_at=NOON,
    content="secret words",
    tool_calls=(
        ToolCall(call_id="k1", name="add", arguments="{}", status="running", started_at=NOON),
    ),
)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_every_field_of_a_row_is_a_column_or_sealed(model: ReadModel) -> None:
    fields = {f.name for f in msgspec.structs.fields(model.row)} - {"is_stale", "siblings"}
    assert fields == {*model.plain, *model.content}
    assert not set(model.plain) & set(model.content)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_columns_in_plain_text_are_ids_states_counts_and_times(model: ReadModel) -> None:
    named = {"role", "kind", "status", "trigger", "model", "last_run_status", "error_code"}
    for column in model.table.c:
        if isinstance(column.type, ARRAY):
            assert isinstance(column.type.item_type, BigInteger)
        elif isinstance(column.type, Text):
            assert column.name.endswith("id") or column.name in named
        else:
            allowed = (BigInteger, Boolean, Date, DateTime, Integer, LargeBinary, Uuid)
            assert isinstance(column.type, allowed)


def test_sealed_content_comes_back_and_shows_nothing() -> None:
    sealed = seal(messages.MODEL, ROW, DATA_KEY)
    assert b"secret" not in sealed
    content = unseal(messages.MODEL, messages.message_key("c1", "m1"), sealed, DATA_KEY)
    assert content == {"content": "secret words", "tool_calls": ROW.tool_calls}


def test_sealed_content_of_another_row_is_refused() -> None:
    sealed = seal(messages.MODEL, ROW, DATA_KEY)
    with pytest.raises(UnreadableRow):
        unseal(messages.MODEL, messages.message_key("c1", "m2"), sealed, DATA_KEY)


def test_ordinals_follow_turn_then_version() -> None:
    assert ordinal_of(2, 2) < ordinal_of(2, 9) < ordinal_of(3, 3)
    assert turn_of(ordinal_of(2, 9)) == 2
    with pytest.raises(InconsistentHistory):
        ordinal_of(2, 2 + 2**24)


def test_definition_names_the_fold_too(monkeypatch: pytest.MonkeyPatch) -> None:
    before = generations.definition()
    assert generations.definition() == before
    generations.definition.cache_clear()
    monkeypatch.setattr(generations, "FOLD_VERSION", 999)
    try:
        assert generations.definition() != before
    finally:
        generations.definition.cache_clear()
