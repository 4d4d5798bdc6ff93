"""The starter of the command line that scripts/_setup writes into the environment."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

SETUP = Path(__file__).parents[3] / "scripts" / "_setup"


def test_worker_processes_may_import_the_starter_again() -> None:
    found = re.search(r'/bin/verbatim\.new" <<EOF\n(.*?)\nEOF\n', SETUP.read_text(), re.DOTALL)
    assert found is not None
    # As multiprocessing names the main module that a spawned process imports.
    names: dict[str, Any] = {"__name__": "__mp_main__"}
    exec(compile(found[1].replace("\\$", "$"), "verbatim", "exec"), names)  # noqa: S102
    assert callable(names["main"])
