"""The log's tree, its checkpoints, bundles and the check of the log, against every tampering."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from events.proofs import merkle, tree
from events.proofs.bundle import line_of
from events.proofs.checking import ProvedStream, check_file
from events.proofs.checkpoints import Checkpoint
from events.proofs.errors import LogChanged, MalformedProof, ProofFailed
from events.proofs.log_check import LogCheck, LogReport
from events.proofs.notary import Notary, open_signer
from events.proofs.notes import NoteVerifier
from events.proofs.proving import NothingToProve, prove_growth, prove_stream
from tests.log_node import LogNode, append_to, log_node, new_stream

Lines = list[dict[str, Any]]
STREAMS = 4
EVENTS = 70


@pytest.fixture
async def node(database_url: str) -> AsyncIterator[LogNode]:
    async with log_node(database_url) as opened:
        yield opened


@pytest.fixture
async def streams(node: LogNode) -> list[str]:
    return await fill(node)


@pytest.fixture
async def notary(node: LogNode) -> Notary:
    return Notary(node.pool, await open_signer(node.pool, Ed25519PrivateKey.generate()))


async def fill(node: LogNode, events: int = EVENTS) -> list[str]:
    """Streams that took turns."""
    streams = [new_stream() for _ in range(STREAMS)]
    for n in range(events):
        await node.store.append(append_to(streams[n % STREAMS], n // STREAMS))
    await node.sealer.seal()
    return streams


async def signed(notary: Notary) -> str:
    note = await notary.sign()
    assert note is not None
    return note


async def prove(node: LogNode, notary: Notary, stream_id: str) -> list[bytes]:
    note = await signed(notary)
    parts = prove_stream(node.store, node.pool, notary.signer, note, stream_id)
    return [line async for line in parts]


async def check(node: LogNode, notary: Notary, *anchored: str) -> LogReport:
    return await LogCheck(node.pool, notary.signer.verifier, anchored).run()


async def tamper(node: LogNode, statement: str, *values: object) -> None:
    """As somebody who owns the database."""
    async with node.pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute(statement, *values)


async def test_tree_that_grew_in_steps_is_the_tree_of_the_leaves(
    node: LogNode, notary: Notary
) -> None:
    for events in (1, 14, 1, 1, 40, 230):
        await fill(node, events)
        checkpoint = Checkpoint.open(await signed(notary), notary.signer.verifier)
        leaves = await node.pool.fetch("SELECT leaf FROM verbatim.log ORDER BY position")
        hashes = {(0, n): row["leaf"] for n, row in enumerate(leaves)}
        assert checkpoint.root == plain_root([hashes[0, n] for n in range(len(leaves))])
        assert checkpoint.tree_size == len(leaves)
    widths = await node.pool.fetch(
        "SELECT level, count(*) FROM verbatim.tree GROUP BY 1 ORDER BY 1"
    )
    assert [tuple(row) for row in widths] == [(4, 287 // 16), (8, 287 // 256)]


def plain_root(leaves: list[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    middle = 1 << (len(leaves) - 1).bit_length() - 1
    return merkle.node_hash(plain_root(leaves[:middle]), plain_root(leaves[middle:]))


async def test_checkpoints_of_many_nodes_are_one_line_of_growth(
    node: LogNode, notary: Notary
) -> None:
    async def sign_often() -> None:
        for _ in range(10):
            await notary.sign()

    await asyncio.gather(*(sign_often() for _ in range(4)), *(fill(node, 40) for _ in range(3)))
    last = await signed(notary)
    notes = [row["note"] for row in await node.pool.fetch("SELECT note FROM verbatim.checkpoints")]
    assert last in notes
    for note in notes:
        proof = await prove_growth(node.pool, notary.signer.verifier, note, last)
        check_file([line_of(proof)], notary.signer.verifier)
    assert (await check(node, notary, *notes)).findings == []


async def test_checkpoint_waits_for_events_or_seconds(
    node: LogNode, notary: Notary, streams: list[str]
) -> None:
    first = await notary.sign(after_events=10, after_seconds=3600)
    assert first == await notary.sign(after_events=10, after_seconds=3600)
    await fill(node, 9)
    assert await notary.sign(after_events=10, after_seconds=3600) is None
    assert await notary.sign(after_events=10, after_seconds=0) is not None
    await fill(node, 10)
    assert await notary.sign(after_events=10, after_seconds=3600) is not None
    assert await node.pool.fetchval("SELECT count(*) FROM verbatim.checkpoints") == 3


async def test_bundle_proves_one_stream_and_holds_nothing_of_another(
    node: LogNode, notary: Notary, streams: list[str]
) -> None:
    lines = await prove(node, notary, streams[1])
    proved = check_file(lines, notary.signer.verifier)
    assert isinstance(proved, ProvedStream)
    assert (proved.stream_id, proved.version) == (streams[1], len(lines) - 1)
    text = b"".join(lines).decode()
    assert not [other for other in streams if other != streams[1] and other in text]
    ids = await node.pool.fetch(
        "SELECT event_id FROM verbatim.events WHERE stream_id <> $1", streams[1]
    )
    assert not [row for row in ids if str(row["event_id"]) in text]


async def test_stream_that_goes_on_is_proved_as_it_was(
    node: LogNode, notary: Notary, streams: list[str]
) -> None:
    note = await signed(notary)
    await node.store.append(append_to(streams[0], 18))
    await node.sealer.seal()
    parts = prove_stream(node.store, node.pool, notary.signer, note, streams[0])
    proved = check_file([line async for line in parts], None)
    assert isinstance(proved, ProvedStream)
    assert proved.version == 18
    with pytest.raises(NothingToProve):
        await anext(prove_stream(node.store, node.pool, notary.signer, note, "conversation-none"))


def edit(lines: Lines) -> None:
    lines[5]["topic"] = "conversation.deleted"


def edit_state(lines: Lines) -> None:
    state = bytearray(base64.b64decode(lines[5]["state"]))
    state[-1] ^= 1
    lines[5]["state"] = base64.b64encode(state).decode()


def edit_time(lines: Lines) -> None:
    lines[5]["recorded_at"] += 1


def edit_proof(lines: Lines) -> None:
    proof = bytearray(base64.b64decode(lines[5]["proof"]))
    proof[-1] ^= 1
    lines[5]["proof"] = base64.b64encode(proof).decode()


def delete(lines: Lines) -> None:
    del lines[5]


def insert(lines: Lines) -> None:
    lines.append({**lines[-1], "stream_version": lines[-1]["stream_version"] + 1})


def repeat(lines: Lines) -> None:
    lines.insert(6, lines[5])


def reorder(lines: Lines) -> None:
    lines[5], lines[6] = lines[6], lines[5]


def renumber(lines: Lines) -> None:
    lines[5], lines[6] = (
        {**lines[6], "stream_version": 5},
        {**lines[5], "stream_version": 6},
    )


def move(lines: Lines) -> None:
    lines[5]["position"] += 1


def truncate(lines: Lines) -> None:
    del lines[-1]


def rename(lines: Lines) -> None:
    lines[0]["stream_id"] = "conversation-another"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        pytest.param(edit, r"Version 5 \(position 18\) is not what the log holds", id="edit"),
        pytest.param(edit_state, r"Version 5 \(position 18\) is not", id="edit-state"),
        pytest.param(edit_time, r"Version 5 \(position 18\) is not", id="edit-time"),
        pytest.param(edit_proof, r"Version 5 \(position 18\) is not", id="edit-proof"),
        pytest.param(delete, r"Version 5 is missing.*position 22", id="delete"),
        pytest.param(insert, r"Version 19 \(position 70\) was added", id="insert"),
        pytest.param(repeat, r"Version 5 \(position 18\) stands after version 5", id="repeat"),
        pytest.param(reorder, r"Version 5 is missing, or moved.*position 22", id="reorder"),
        pytest.param(renumber, r"Version 5 \(position 22\) is not", id="renumber"),
        pytest.param(move, r"Version 5 \(position 19\) is not", id="move"),
        pytest.param(truncate, r"end at version 17 \(position 66\).*has 18", id="truncate"),
        pytest.param(rename, r"signed head is of", id="rename"),
    ],
)
async def test_changed_bundle_is_named(
    node: LogNode,
    notary: Notary,
    streams: list[str],
    change: Callable[[Lines], None],
    named: str,
) -> None:
    lines = [json.loads(line) for line in await prove(node, notary, streams[1])]
    change(lines)
    with pytest.raises(ProofFailed, match=named):
        check_file([json.dumps(line).encode() for line in lines], notary.signer.verifier)


async def test_bundles_of_two_streams_cannot_be_mixed(
    node: LogNode, notary: Notary, streams: list[str]
) -> None:
    one = await prove(node, notary, streams[0])
    other = await prove(node, notary, streams[1])
    with pytest.raises(ProofFailed, match=r"Version 1 \(position 2\) is not"):
        check_file([one[0], *other[1:]], notary.signer.verifier)
    with pytest.raises(ProofFailed, match=r"Version 3 \(position 10\) is not"):
        check_file([*one[:3], *other[3:]], notary.signer.verifier)


async def test_checkpoint_of_another_tree_or_key_is_refused(
    node: LogNode, notary: Notary, streams: list[str]
) -> None:
    older = await signed(notary)
    await fill(node, 3)
    lines = await prove(node, notary, streams[1])
    stranger = Notary(node.pool, await open_signer(node.pool, Ed25519PrivateKey.generate()))
    header = json.loads(lines[0])
    size = Checkpoint.open(header["checkpoint"], notary.signer.verifier)
    forged = size.sign(stranger.signer)
    for note, named in (
        (older, "checkpoint of another"),
        (forged, "not signed by"),
        (header["checkpoint"].replace("73\n", "72\n"), "signature .* does not fit"),
        (header["head"], "is no checkpoint"),
    ):
        changed = json.dumps({**header, "checkpoint": note}).encode()
        with pytest.raises((ProofFailed, MalformedProof), match=named):
            check_file([changed, *lines[1:]], notary.signer.verifier)
    with pytest.raises(ProofFailed, match="not signed by"):
        check_file(lines, stranger.signer.verifier)


async def test_log_that_forked_is_not_consistent(
    node: LogNode, notary: Notary, streams: list[str]
) -> None:
    old = await signed(notary)
    await fill(node, 20)
    new = await signed(notary)
    verifier = notary.signer.verifier
    proof = await prove_growth(node.pool, verifier, old, new)
    check_file([line_of(proof)], verifier)
    checkpoint = Checkpoint.open(old, verifier)
    fork = Checkpoint(
        origin=checkpoint.origin,
        tree_size=checkpoint.tree_size,
        root=checkpoint.root[::-1],
        signed_at=checkpoint.signed_at,
    ).sign(notary.signer)
    changed = json.loads(line_of(proof)) | {"old": fork}
    with pytest.raises(ProofFailed, match="does not begin with the log of 70"):
        check_file([json.dumps(changed).encode()], verifier)


async def test_whole_log_has_no_finding(node: LogNode, notary: Notary, streams: list[str]) -> None:
    note = await signed(notary)
    await fill(node, 5)
    report = await check(node, notary, note)
    assert (report.findings, report.events, report.checkpoints) == ([], 75, 2)


AT_18 = (
    "(stream_id, stream_version) ="
    " (SELECT stream_id, stream_version FROM verbatim.log WHERE position = 18)"
)
SAME = "(e.stream_id, e.stream_version) = (l.stream_id, l.stream_version)"
REWRITE = f"UPDATE verbatim.events SET topic = 'conversation.deleted' WHERE {AT_18}"
RESEAL = (
    "UPDATE verbatim.log AS l SET leaf = verbatim.leaf_hash(e) FROM verbatim.events AS e"
    f" WHERE {SAME}"
)
LIFT = "UPDATE verbatim.log SET position = -position WHERE position IN (18, {other})"
LOWER = "UPDATE verbatim.log SET position = 18 + {other} + position WHERE position < 0"
GONE = f"DELETE FROM verbatim.events WHERE {AT_18}"
FORGET = "DELETE FROM verbatim.log WHERE position = 18"
CUT = "DELETE FROM verbatim.log WHERE position > 60"
CUT_EVENTS = (
    f"DELETE FROM verbatim.events AS e USING verbatim.log AS l WHERE {SAME} AND position > 60"
)
SMUGGLE = (
    "INSERT INTO verbatim.events SELECT stream_id, 99, gen_random_uuid(), topic, schema_version,"
    " state, owner_id, metadata FROM verbatim.events LIMIT 1"
)
UNSIGN = "UPDATE verbatim.checkpoints SET note = replace(note, E'\\ntime ', E'\\ntime 1')"
DROP_TREE = "TRUNCATE verbatim.tree"


@pytest.mark.parametrize(
    ("statements", "position", "named"),
    [
        pytest.param([REWRITE], 18, "not the one sealed there", id="edit"),
        pytest.param([REWRITE, RESEAL], 17, "17 to 32 are not those the tree", id="edit-resealed"),
        pytest.param([REWRITE, RESEAL, DROP_TREE], 1, "1 to 70 are not those", id="edit-regrown"),
        pytest.param([GONE], 18, "was deleted", id="delete"),
        pytest.param([GONE, FORGET], 18, "18 to 18 are missing", id="delete-both"),
        pytest.param(
            [LIFT.format(other=19), LOWER.format(other=19), DROP_TREE],
            1,
            "1 to 70 are not those",
            id="reorder",
        ),
        pytest.param([CUT_EVENTS, CUT], 70, "ends at position 60", id="truncate"),
        pytest.param([SMUGGLE], 0, "added beside the log", id="insert"),
        pytest.param([UNSIGN], 70, "is forged", id="forge"),
    ],
)
async def test_changed_log_is_named(
    node: LogNode,
    notary: Notary,
    streams: list[str],
    statements: list[str],
    position: int,
    named: str,
) -> None:
    await notary.sign()
    for statement in statements:
        await tamper(node, statement)
    report = await check(node, notary)
    found = [one for one in report.findings if one.position == position]
    assert named in found[0].text


async def test_versions_out_of_order_are_named(
    node: LogNode, notary: Notary, streams: list[str]
) -> None:
    """Though nothing was signed yet."""
    for statement in (LIFT, LOWER):
        await tamper(node, statement.format(other=22))
    report = await check(node, notary)
    assert [one.position for one in report.findings] == [18, 22, 26]


async def test_log_that_was_replaced_is_caught_by_a_checkpoint_kept_elsewhere(
    node: LogNode, notary: Notary, streams: list[str]
) -> None:
    kept = await signed(notary)
    await tamper(node, "TRUNCATE verbatim.checkpoints")
    for statement in (REWRITE, RESEAL, DROP_TREE):
        await tamper(node, statement)
    assert await notary.sign()
    assert (await check(node, notary)).findings == []
    found = (await check(node, notary, kept)).findings
    assert "The checkpoint you gave" in found[0].text


async def test_changed_log_is_not_signed(node: LogNode, notary: Notary, streams: list[str]) -> None:
    await notary.sign()
    for statement in (REWRITE, RESEAL, DROP_TREE):
        await tamper(node, statement)
    await fill(node, 1)
    with pytest.raises(LogChanged, match="first 70 events"):
        await notary.sign()
    assert await node.pool.fetchval("SELECT count(*) FROM verbatim.checkpoints") == 1


async def test_checkpoints_are_immutable(node: LogNode, notary: Notary, streams: list[str]) -> None:
    await notary.sign()
    for statement in (
        "UPDATE verbatim.checkpoints SET tree_size = 1",
        "DELETE FROM verbatim.checkpoints",
        "TRUNCATE verbatim.checkpoints",
    ):
        with pytest.raises(asyncpg.RestrictViolationError):
            await node.pool.execute(statement)


async def test_proof_reads_few_rows(node: LogNode, notary: Notary) -> None:
    await fill(node, 600)
    await notary.sign()
    read = 0

    class Counting:
        async def fetch(self, statement: str, *values: object) -> Any:
            nonlocal read
            rows = await node.pool.fetch(statement, *values)
            read += len(rows)
            return rows

        async def fetchval(self, statement: str, *values: object) -> Any:
            raise AssertionError(statement)

    for index in (0, 299, 511, 599):
        read = 0
        hashes = await tree.range_hashes(Counting(), merkle.inclusion_ranges(index, 600))
        assert len(hashes) <= 10
        assert read <= 15 * 3 + 15


def test_damaged_keys_and_notes_are_refused() -> None:
    for text in ("", "name", "name+00000000+AQ==", "na me+00+AQ==", "x" * 5000):
        with pytest.raises(MalformedProof):
            NoteVerifier.parse(text)
