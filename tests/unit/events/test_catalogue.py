from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import events
from events import conversation, link, system, task, user

from .event_values import CATALOGUE

DATA_MODEL = Path(__file__).parents[3] / "docs" / "data-model.md"
CATEGORIES = {
    conversation.CATEGORY,
    link.CATEGORY,
    task.CATEGORY,
    user.CATEGORY,
    system.AUDIT_CATEGORY,
    system.PROJECTION_CATEGORY,
}


def test_every_topic_stands_in_the_data_model() -> None:
    text = DATA_MODEL.read_text() if DATA_MODEL.exists() else ""
    named = set(re.findall(r"[a-z]+\.[a-z_]+", text))
    missing = [topic for topic in CATALOGUE if topic not in named]
    assert not missing, f"docs/data-model.md does not speak of: {', '.join(missing)}"


def test_catalogue_holds_every_event_class_of_the_room() -> None:
    room = Path(events.__path__[0])
    decorated = [
        topic
        for module in room.glob("*.py")
        for topic in re.findall(r'^@event\("([^"]+)"\)', module.read_text(), re.MULTILINE)
    ]
    assert sorted(decorated) == sorted(CATALOGUE)


@pytest.mark.parametrize("topic", CATALOGUE)
def test_topic_is_its_category_and_what_happened(topic: str) -> None:
    category, _, happening = topic.partition(".")
    assert category in CATEGORIES
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", happening)


@pytest.mark.parametrize("topic", CATALOGUE)
def test_event_class_is_frozen_and_leaves_defaults_out(topic: str) -> None:
    config = CATALOGUE[topic].__struct_config__
    assert config.frozen
    assert config.omit_defaults


@pytest.mark.parametrize("topic", CATALOGUE)
def test_event_class_has_an_upcaster_for_each_older_version(topic: str) -> None:
    cls = CATALOGUE[topic]
    steps = [f"upcast_v{n}_v{n + 1}" for n in range(1, cls.schema_version)]
    assert [name for name in dir(cls) if name.startswith("upcast_v")] == sorted(steps)


@pytest.mark.parametrize(
    ("stream_id", "module"),
    [("conversation-01-02", conversation), ("task-01-02", task)],
)
def test_stream_id_is_the_category_and_the_id(stream_id: str, module: Any) -> None:
    assert module.id_of(stream_id) == "01-02"
    assert module.stream_of("01-02") == stream_id
