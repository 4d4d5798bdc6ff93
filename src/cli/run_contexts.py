"""What `verbatim runs context` does once the database is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agent.context import Context
from agent.given_contexts import GivenContext, given_contexts, is_on_active_branch
from cli.errors import CliError, Finding
from cli.opened import open_log
from cli.terminal import print_json, print_text, say
from events import conversation as c
from events.errors import ContentErased
from events.keys import KeyRing
from events.store import EventStore
from events.stored import RecordedEvent
from projections.run_streams import stream_of_run
from runtime.settings import Settings

INDENT = "    "


async def print_contexts(settings: Settings, url: str, run_id: str, as_json: bool) -> None:
    """Raises CliError without such a run, Finding when a context is not what was recorded."""
    async with open_log(settings, url) as log:
        stream_id = await stream_of_run(log.pool, run_id)
        if stream_id is None:
            raise CliError(f"There is no run {run_id}.")
        recorded, given = await _read(log.store, log.keys, stream_id, run_id)
    is_active = is_on_active_branch(recorded, run_id)
    if as_json:
        for one in given:
            print_json(_json_of(one, stream_id, is_active))
    else:
        _print_readable(recorded, run_id, given, is_active)
    _complain_of(given)


async def _read(
    store: EventStore, keys: KeyRing, stream_id: str, run_id: str
) -> tuple[list[RecordedEvent], list[GivenContext]]:
    try:
        recorded = await store.read_stream(stream_id)
        return recorded, await given_contexts(recorded, run_id, keys)
    except ContentErased:
        raise CliError(
            f"What run {run_id} was given was erased with its user's data: it cannot be read or "
            "checked any more."
        ) from None


def _complain_of(given: Sequence[GivenContext]) -> None:
    changed = [f"attempt {g.started.attempt}" for g in given if not g.is_proved]
    if changed:
        raise Finding(
            f"The events do not lead to the context that was recorded ({', '.join(changed)}): "
            "they or the record were changed, or another release recorded it."
        )


def _json_of(given: GivenContext, stream_id: str, is_active: bool) -> dict[str, Any]:
    started, context = given.started, given.context
    return {
        "run_id": started.run_id,
        "conversation_id": c.id_of(stream_id),
        "attempt": started.attempt,
        "version": given.recorded.stream_version,
        "recorded_at": given.recorded.recorded_at.isoformat(),
        "model": started.model,
        "is_on_active_branch": is_active,
        "is_proved": given.is_proved,
        "recorded_hash": started.context_hash,
        "derived_hash": given.derived_hash,
        "tokens": started.context_tokens,
        "event_ids": list(started.context_event_ids),
        "items": list(context.items) if context else None,
    }


def _print_readable(
    recorded: Sequence[RecordedEvent], run_id: str, given: Sequence[GivenContext], is_active: bool
) -> None:
    if not is_active:
        say("The run is not on the active branch: a retry, an edit or a switch left it.")
    by_version = {one.recorded.stream_version: one for one in given}
    for one in recorded:
        if one.stream_version in by_version:
            _print_given(by_version[one.stream_version])
        elif isinstance(one.event, c.RunResumed) and one.event.run_id == run_id:
            print_text(f"attempt {one.event.attempt} took over at {one.recorded_at:%F %T}")
    if not given:
        say("No attempt at this run has asked the model.")


def _print_given(given: GivenContext) -> None:
    started, context = given.started, given.context
    print_text(
        f"attempt {started.attempt} asked {started.model} at {given.recorded.recorded_at:%F %T}: "
        f"about {started.context_tokens} tokens from {len(started.context_event_ids)} events"
    )
    print_text("hash matches: " + started.context_hash if given.is_proved else _mismatch(given))
    for line in _lines_of(context) if context else ():
        print_text(INDENT + line.replace("\n", f"\n{INDENT}"))


def _mismatch(given: GivenContext) -> str:
    if given.context is None:
        return f"HASH DIFFERS: recorded {given.started.context_hash}, and no context is derived"
    if given.derived_hash == given.started.context_hash:
        return "EVENTS DIFFER: the same content is derived from other events than those recorded"
    return f"HASH DIFFERS: recorded {given.started.context_hash}, derived {given.derived_hash}"


def _lines_of(context: Context) -> Iterator[str]:
    for item in context.items:
        match item["type"]:
            case "function_call":
                yield f"call {item['call_id']}: {item['name']}({item['arguments']})"
            case "function_call_output":
                yield f"output of {item['call_id']}: {item['output']}"
            case "reasoning":
                yield f"reasoning {item['id']}: {_texts(item['summary']) or '(sealed)'}"
            case _:
                yield f"{item['role']}: {_texts(item['content'])}"


def _texts(parts: Sequence[Mapping[str, Any]]) -> str:
    return "\n".join(part.get("text") or part.get("refusal") or "" for part in parts)
