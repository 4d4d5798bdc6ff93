"""The short form of `scripts/soak`: every law after some kills under load."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from tests.soak.__main__ import soak

pytestmark = [pytest.mark.slow, pytest.mark.timeout(290)]

#: Of no meaning; a failure is repeated with `scripts/soak --seed`.
SEED = 20


def test_laws_hold_after_kills_under_load(capfd: pytest.CaptureFixture[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="verbatim-soak-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        code = soak(folder, seconds=40, kills=4, users=5, seed=SEED)
    said = capfd.readouterr().out
    assert code == 0, said
    assert "holds   recordings are the frames" in said
