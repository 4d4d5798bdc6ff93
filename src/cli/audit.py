"""`verbatim audit`: what proves the log to somebody who need not believe its keeper."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.backup import KeysFile
from cli.errors import CliError, Finding, Usage
from cli.given_ids import conversation_id_of
from cli.opened import database_url, run, settings_of
from cli.terminal import AsJson, DataDir, print_json, print_text, say

if TYPE_CHECKING:
    from events.proofs.checking import ProvedGrowth, ProvedStream
    from events.proofs.notes import NoteVerifier

app = typer.Typer(help="Proofs of the log.", no_args_is_help=True)

Key = Annotated[
    str | None,
    typer.Option(help="The log's public key, or a file that holds it; got on another way."),
]
Checkpoints = Annotated[
    list[Path] | None,
    typer.Option(help="A checkpoint that was kept elsewhere; the log is compared with it."),
]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="Write to this file instead of stdout.")
]
FOLLOWED_BYTES = 1024 * 1024


@app.command()
def keys(
    new: Annotated[
        bool, typer.Option("--new", help="Print a new private key for AUDIT_KEY instead.")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Print the log's public key, which signs checkpoints; it is made where there is none."""
    from cli.audit_log import generate_private_key, public_key

    if new:
        print_text(generate_private_key())
        return
    settings = settings_of(data_dir)
    with database_url(settings) as url:
        key = run(public_key(settings, url))
    if as_json:
        print_json({"key": key})
    else:
        print_text(key)


@app.command()
def checkpoint(
    now: Annotated[bool, typer.Option("--now", help="Sign the log as it is now, first.")] = False,
    size: Annotated[
        int | None, typer.Option(min=1, help="The one of this tree size, not the newest.")
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Print the newest signed checkpoint, to keep it where nobody who writes the log can."""
    from cli.audit_log import read_checkpoint

    settings = settings_of(data_dir)
    with database_url(settings) as url:
        note = run(read_checkpoint(settings, url, size, signs=now))
    if as_json:
        print_json({"note": note})
    else:
        print_text(note.removesuffix("\n"))


@app.command()
def prove(
    conversation: Annotated[str, typer.Argument(help="Id of the conversation.")],
    output: Output = None,
    data_dir: DataDir = None,
) -> None:
    """Write a bundle that proves a conversation's events, and that there are no others."""
    from cli.audit_log import write_bundle

    conversation_id = conversation_id_of(conversation)
    settings = settings_of(data_dir)
    with database_url(settings) as url:
        events = run(write_bundle(settings, url, conversation_id, output))
    say(f"{events} events, each with its proof.")


@app.command()
def consistency(
    old: Annotated[int, typer.Argument(min=1, help="Tree size of the older checkpoint.")],
    new: Annotated[int, typer.Argument(min=1, help="Tree size of the newer one.")],
    output: Output = None,
    data_dir: DataDir = None,
) -> None:
    """Write a proof that the log of one checkpoint begins with the log of an older one."""
    from cli.audit_log import write_growth

    settings = settings_of(data_dir)
    with database_url(settings) as url:
        run(write_growth(settings, url, old, new, output))


@app.command()
def verify(
    file: Annotated[
        Path | None, typer.Argument(help="A bundle or consistency proof; without it, the log.")
    ] = None,
    key: Key = None,
    checkpoint: Checkpoints = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Check a file with a public key alone, or the whole log where it lies.

    Exit code 1 when something was changed: each finding is named with its position.
    """
    if file is not None:
        if checkpoint:
            raise Usage("--checkpoint is for the log itself, not for a file.")
        _verify_file(file, key, as_json)
        return
    from cli.audit_log import check_log

    notes = [_text_of(path) for path in checkpoint or ()]
    settings = settings_of(data_dir)
    with database_url(settings) as url:
        report = run(check_log(settings, url, _verifier(key), notes))
    if as_json:
        print_json(
            {
                "events": report.events,
                "checkpoints": report.checkpoints,
                "root": report.root.hex(),
                "findings": [
                    {"position": one.position, "text": one.text} for one in report.findings
                ],
            }
        )
    else:
        for one in report.findings:
            print_text(one.text)
    checked = f"{report.events} events and {report.checkpoints} checkpoints were checked"
    if report.findings:
        raise Finding(f"{checked}: the log was changed ({len(report.findings)} findings).")
    say(f"{checked}: nothing was changed.")


@app.command()
def drill(
    file: Annotated[Path, typer.Argument(help="The backup to bring up.")],
    keys: KeysFile = None,
    checkpoint: Checkpoints = None,
    key: Key = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Bring a backup up in a scratch server and check everything in it: a restore, rehearsed.

    Nothing of it stays, and the database in use is not touched.
    """
    from cli.drilling import drill_backup

    notes = [_text_of(path) for path in checkpoint or ()]
    found = drill_backup(settings_of(data_dir), file, keys, notes, _verifier(key), as_json=as_json)
    if as_json:
        print_json(found.row())
    else:
        for text in found.findings:
            print_text(text)
    if found.findings:
        raise Finding(f"The backup does not hold: {len(found.findings)} findings.")
    say(f"The backup holds: {found.said()}.")


def _verify_file(file: Path, key: str | None, as_json: bool) -> None:
    from events.proofs.checking import check_file, split_lines
    from events.proofs.errors import MalformedProof, ProofFailed

    verifier = _verifier(key)
    try:
        with file.open("rb") as opened:
            parts = iter(lambda: opened.read(FOLLOWED_BYTES), b"")
            proved = check_file(split_lines(parts, FOLLOWED_BYTES * 64), verifier)
    except (ProofFailed, MalformedProof) as error:
        if as_json:
            print_json({"is_proved": False, "reason": str(error)})
        raise Finding(str(error)) from None
    if as_json:
        print_json({"is_proved": True, "is_key_given": verifier is not None, **_facts_of(proved)})
    else:
        for name, value in _facts_of(proved).items():
            print_text(f"{name}: {value}")
    if verifier is None:
        say("The key came with the file: compare it with the log's, or give --key.")


def _facts_of(proved: ProvedStream | ProvedGrowth) -> dict[str, object]:
    from events.proofs.checking import ProvedStream

    if isinstance(proved, ProvedStream):
        return {
            "stream_id": proved.stream_id,
            "events": proved.version,
            "log": proved.checkpoint.origin,
            "tree_size": proved.checkpoint.tree_size,
            "signed_at": proved.checkpoint.signed_at.isoformat(),
        }
    return {
        "log": proved.new.origin,
        "old_tree_size": proved.old.tree_size,
        "tree_size": proved.new.tree_size,
        "signed_at": proved.new.signed_at.isoformat(),
    }


def _verifier(key: str | None) -> NoteVerifier | None:
    if key is None:
        return None
    from events.proofs.notes import NoteVerifier

    return NoteVerifier.parse(_text_of(Path(key)) if "+" not in key else key)


def _text_of(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        raise CliError(f"{path} is no text file.") from None
