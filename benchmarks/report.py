"""The table for a person, the list for a program, and what the figures were taken on."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import orjson
from rich.console import Console
from rich.table import Table

from benchmarks.measures import Measure

COLUMNS = ("measure", "value", "against", "baseline", "ratio", "goal", "")
_HEAD = "| measure | value | against | baseline | ratio | goal | |"
_RULE = "|---|---:|---|---:|---:|---|---|"


async def name_machine(url: str) -> str:
    connection = await asyncpg.connect(url)
    try:
        server = await connection.fetchval("SHOW server_version")
    finally:
        await connection.close()
    when = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return (
        f"{when}: {os.cpu_count()} cores ({_cpu_model()}), {_memory_gib():.0f} GiB memory, "
        f"PostgreSQL {server}, Python {platform.python_version()}, {platform.system()}; "
        f"load before the run {os.getloadavg()[0]:.1f}"
    )


def print_table(title: str, machine: str, measures: Iterable[Measure]) -> None:
    table = Table(title=title, caption=machine, title_justify="left", caption_justify="left")
    for name in COLUMNS:
        is_number = name in ("value", "baseline", "ratio")
        table.add_column(name, justify="right" if is_number else "left")
    for m in measures:
        table.add_row(*_cells(m))
    Console(width=None if os.isatty(1) else 190).print(table)


def write_markdown(page: Path, name: str, machine: str, measures: Iterable[Measure]) -> None:
    """Puts the table between the page's marks for this benchmark."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    text = page.read_text()
    before, rest = text[: text.index(begin)], text[text.index(end) :]
    rows = [" | ".join(("", *_cells(m), "")).strip() for m in measures]
    table = "\n".join((_HEAD, _RULE, *rows))
    page.write_text(f"{before}{begin}\n{machine}\n\n{table}\n{rest}")


def print_json(measures: Sequence[Measure]) -> None:
    option = orjson.OPT_INDENT_2
    print(orjson.dumps([m.to_json() for m in measures], option=option).decode())


def _cells(m: Measure) -> tuple[str, ...]:
    return (
        m.measure,
        f"{_short(m.value)} {m.unit}",
        m.against or "",
        "" if m.baseline is None else _short(m.baseline),
        "" if m.ratio is None else f"{m.ratio:.2f}",
        "" if m.goal is None else str(m.goal),
        m.verdict,
    )


def _short(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def _cpu_model() -> str:
    for line in _lines("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []
