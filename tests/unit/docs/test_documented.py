"""What a user can set, see or call stands in the documentation."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer
from typer.core import TyperCommand, TyperGroup

from cli.main import app
from events import catalogue
from events.event import known_topics
from runtime.metrics import METRICS
from runtime.settings import Settings

ROOT = Path(__file__).parents[3]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
DATA_MODEL = (ROOT / "docs" / "data-model.md").read_text()


Commands = dict[tuple[str, ...], TyperCommand]


def commands_of(group: TyperGroup, path: tuple[str, ...] = ()) -> Commands:
    found: Commands = {}
    for name, child in group.commands.items():
        if isinstance(child, TyperGroup):
            found |= commands_of(child, (*path, name))
        else:
            assert isinstance(child, TyperCommand)
            found[(*path, name)] = child
    return found


def all_commands() -> Commands:
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    return commands_of(root)


@pytest.mark.parametrize("setting", [name.upper() for name in Settings.model_fields])
def test_setting_is_documented(setting: str) -> None:
    assert f"`{setting}`" in OPERATIONS


@pytest.mark.parametrize("metric", METRICS)
def test_metric_is_documented(metric: str) -> None:
    assert f"`{metric}`" in OPERATIONS


def our_topics() -> list[str]:
    """Without those that other tests of the same process register."""
    assert catalogue
    return [
        topic for topic, kind in known_topics().items() if kind.__module__.startswith("events.")
    ]


@pytest.mark.parametrize("topic", our_topics())
def test_event_is_documented_with_its_fields(topic: str) -> None:
    row = next((line for line in DATA_MODEL.splitlines() if f"| `{topic}` |" in line), "")
    assert row, f"{topic} is missing in docs/data-model.md"
    for field in known_topics()[topic].__struct_fields__:
        assert f"`{field}`" in row


def test_every_command_and_option_is_documented() -> None:
    commands = all_commands()
    assert ("events", "replay") in commands
    for path, command in commands.items():
        name = f"verbatim {' '.join(path)}"
        row = next((line for line in OPERATIONS.splitlines() if line.startswith(f"| `{name}")), "")
        assert row, f"{name} is missing in docs/operations.md"
        for parameter in command.params:
            options = [o for o in parameter.opts if o.startswith("--")]
            if options and options[0] not in ("--json", "--data-dir", "--help"):
                assert options[0] in row, f"{options[0]} of {name} is missing"


@pytest.mark.parametrize(
    "document", ["README.md", "docs/operations.md", "docs/data-model.md", "docs/chatkit-element.md"]
)
def test_links_between_documents_lead_somewhere(document: str) -> None:
    source = ROOT / document
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", source.read_text()):
        assert (source.parent / target).exists(), target
