"""`python -m benchmarks NAME [--json] [--quick]`: see docs/benchmarks.md."""

from __future__ import annotations

import argparse
import asyncio
import gc
import sys
from collections.abc import Collection
from pathlib import Path

import uvloop

from benchmarks import append, audit, page, rebuild, stream
from benchmarks.measures import Measure
from benchmarks.plan import FULL, QUICK, Part, Plan
from benchmarks.report import name_machine, print_json, print_table, write_markdown
from benchmarks.server import bench_server, make_template
from runtime.embedded import EmbeddedServer

PAGE = Path("docs/benchmarks.md")
#: What is measured, by the word that asks for it.
BENCHMARKS: dict[str, dict[str, Part]] = {
    "append": append.PARTS,
    "stream": stream.PARTS,
    "rebuild": rebuild.PARTS,
    "page": page.PARTS,
    "audit": audit.PARTS,
}


def main() -> None:
    arguments = _parser().parse_args()
    plan = QUICK if arguments.quick else FULL
    with bench_server() as server, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(server, arguments, plan))


async def _run(server: EmbeddedServer, arguments: argparse.Namespace, plan: Plan) -> None:
    machine = await name_machine(server.url)
    print(machine, file=sys.stderr)
    await make_template(server)
    # As the app does once it has started.
    gc.collect()
    gc.freeze()
    parts = BENCHMARKS[arguments.benchmark]
    measures = await _measure(server, plan, parts, arguments.only or parts)
    if arguments.write:
        write_markdown(PAGE, arguments.benchmark, machine, measures)
    if arguments.json:
        print_json(measures)
    else:
        print_table(f"scripts/bench {arguments.benchmark}", machine, measures)


async def _measure(
    server: EmbeddedServer, plan: Plan, parts: dict[str, Part], wanted: Collection[str]
) -> list[Measure]:
    found: list[Measure] = []
    for name, part in parts.items():
        if name in wanted:
            print(f"… {name}", file=sys.stderr)
            found += await part(server, plan)
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Ratios to named baselines.")
    parser.add_argument("benchmark", choices=sorted(BENCHMARKS))
    parser.add_argument("--json", action="store_true", help="print a list instead of a table")
    parser.add_argument("--quick", action="store_true", help="short rounds, for a first impression")
    parser.add_argument("--write", action="store_true", help=f"also keep the table in {PAGE}")
    parser.add_argument("--only", nargs="+", metavar="PART", help="only these parts, by name")
    return parser


if __name__ == "__main__":
    main()
