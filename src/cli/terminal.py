"""What every command prints with: data on stdout, talk on stderr."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import orjson
import typer

from cli.errors import OutputClosed, Usage

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]
DataDir = Annotated[
    str | None,
    typer.Option(
        "--data-dir", help="Where the embedded database lives.", envvar="VERBATIM_DATA_DIR"
    ),
]

#: What would let a message move the cursor, change colours, answer for the terminal, or turn the
#: order of what is read.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def ask(found: str, question: str, yes: bool) -> None:
    """Before what cannot be undone; without a terminal only `yes` goes on. Raises Usage."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise Usage(f"{found} Give --yes to go on.")
    if not typer.confirm(f"{found} {question}", err=True):
        raise typer.Abort


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def print_json(value: Any, *, is_indented: bool = False) -> None:
    option = orjson.OPT_INDENT_2 if is_indented else None
    _write(orjson.dumps(value, default=str, option=option) + b"\n")


def print_text(text: str) -> None:
    _write(f"{printable(text)}\n".encode(sys.stdout.encoding, "backslashreplace"))


def printable(text: str) -> str:
    """Control characters but tab and newline are written as escapes."""
    return _CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def print_table(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """A table on a terminal, tab-separated lines elsewhere."""
    if not sys.stdout.isatty():
        for row in rows:
            print_text("\t".join(_cell(row[column]) for column in columns))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(_cell(row[column])) for column in columns))
    Console().print(table)


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return printable(text.replace("\t", " ").replace("\n", " "))


def _write(line: bytes) -> None:
    try:
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # Or Python would complain once more when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise OutputClosed from None
