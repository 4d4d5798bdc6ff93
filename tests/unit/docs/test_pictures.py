"""The pictures that the README shows."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
LARGEST_BYTES = 150_000


def test_readme_shows_every_picture_and_each_is_small() -> None:
    shown = set(re.findall(r"\((docs/images/[\w-]+\.png)\)", (ROOT / "README.md").read_text()))
    kept = {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs/images").glob("*.png")}
    assert shown == kept
    sizes = {name: (ROOT / name).stat().st_size for name in kept}
    assert {name for name, size in sizes.items() if size > LARGEST_BYTES} == set()
