"""`verbatim audit`, as an auditor and an operator use it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from events.proofs.notes import NoteSigner
from tests.e2e.serving.server import environment
from tests.integration.cli.command_line import CommandLine, on_database
from tests.log_node import append_to, log_node, new_stream

AUDIT_KEY = "YXVkaXRhdWRpdGF1ZGl0YXVkaXRhdWRpdGF1ZGl0YXU="


@pytest.fixture
async def stream(database_url: str) -> str:
    async with log_node(database_url) as node:
        streams = [new_stream() for _ in range(3)]
        for n in range(30):
            await node.store.append(append_to(streams[n % 3], n // 3))
        await node.sealer.seal()
    return streams[0]


@pytest.fixture
def line(database_url: str) -> CommandLine:
    command_line = on_database(database_url)
    return CommandLine({**command_line.env, "AUDIT_KEY": AUDIT_KEY})


def test_bundle_is_verified_without_database_or_secret(
    line: CommandLine, stream: str, tmp_path: Path
) -> None:
    key = line.answer("audit", "keys").out.strip()
    bundle = tmp_path / "proof.ndjson"
    line.answer("audit", "prove", stream, "--output", str(bundle))
    stranger = CommandLine(environment({}))
    proved = stranger.answer("audit", "verify", str(bundle), "--key", key)
    assert f"stream_id: {stream}" in proved.out
    assert "events: 10" in proved.out
    assert proved.err == ""
    (row,) = stranger.answer("audit", "verify", str(bundle), "--json").rows()
    assert (row["is_proved"], row["is_key_given"]) == (True, False)
    lines = bundle.read_bytes().splitlines()
    bundle.write_bytes(b"\n".join(lines[:-1]))
    refused = stranger.run("audit", "verify", str(bundle), "--key", key)
    assert refused.code == 1
    assert "end at version 9 (position 25)" in refused.complaint()


def test_bundle_on_stdout_is_the_bundle(line: CommandLine, stream: str) -> None:
    printed = line.answer("audit", "prove", stream.removeprefix("conversation-"))
    rows = printed.rows()
    assert [row["kind"] for row in rows] == ["bundle"] + ["event"] * 10
    assert "10 events" in printed.err


def test_checkpoints_are_printed_and_compared(
    line: CommandLine, stream: str, tmp_path: Path
) -> None:
    nothing = line.run("audit", "checkpoint")
    assert nothing.code == 1
    assert "Nothing was signed yet" in nothing.complaint()
    note = line.answer("audit", "checkpoint", "--now").out
    assert note.split("\n")[1] == "30"
    assert line.answer("audit", "checkpoint", "--size", "30").out == note
    kept = tmp_path / "kept"
    kept.write_text(note)
    checked = line.answer("audit", "verify", "--checkpoint", str(kept), "--json")
    (row,) = checked.rows()
    assert (row["events"], row["checkpoints"], row["findings"]) == (30, 2, [])
    growth = tmp_path / "growth.json"
    line.answer("audit", "consistency", "30", "30", "--output", str(growth))
    proved = line.answer("audit", "verify", str(growth))
    assert "old_tree_size: 30" in proved.out


def test_forged_checkpoint_of_ones_own_is_refused(
    line: CommandLine, stream: str, tmp_path: Path
) -> None:
    note = line.answer("audit", "checkpoint", "--now").out
    text = note.rpartition("\n\n")[0] + "\n"
    origin = text.partition("\n")[0]
    kept = tmp_path / "kept"
    kept.write_text(NoteSigner(origin, Ed25519PrivateKey.generate()).sign(text))
    refused = line.run("audit", "verify", "--checkpoint", str(kept))
    assert refused.code == 1
    assert "not signed by" in refused.complaint()


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        pytest.param(["prove", "nonsense"], 2, "is no conversation id", id="no-id"),
        pytest.param(["prove", str(Path("0" * 32))], 1, "holds no event", id="unknown"),
        pytest.param(["verify", "/nowhere"], 1, "No such file", id="no-file"),
        pytest.param(["verify", "--key", "a+b"], 1, "is no Ed25519 verifier key", id="bad-key"),
        pytest.param(["checkpoint", "--size", "7"], 1, "no checkpoint of 7", id="no-size"),
        pytest.param(["consistency", "9", "3"], 1, "older checkpoint first", id="backwards"),
    ],
)
def test_mistakes_are_told_in_a_line(
    line: CommandLine, stream: str, arguments: list[str], code: int, told: str
) -> None:
    ran = line.run("audit", *arguments)
    assert (ran.code, told in ran.complaint()) == (code, True), ran.err


def test_file_that_is_no_bundle_is_told(line: CommandLine, tmp_path: Path) -> None:
    for content in (b"", b"{}", b"\xff\xfe", b"[1]\n", b"x" * 100):
        file = tmp_path / "file"
        file.write_bytes(content)
        ran = line.run("audit", "verify", str(file), "--json")
        assert ran.code == 1
        assert json.loads(ran.out)["is_proved"] is False


def test_without_a_key_nothing_is_signed(database_url: str, stream: str) -> None:
    line = on_database(database_url)
    refused = line.run("audit", "prove", stream)
    assert refused.code == 1
    assert "AUDIT_KEY is not set" in refused.complaint()
    new = line.answer("audit", "keys", "--new").out.strip()
    assert line.answer("audit", "checkpoint", "--now", AUDIT_KEY=new).out
