"""What `verbatim events replay` was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cli.documents import Form
from cli.errors import Usage
from cli.moments import Moment, parse_moment

View = Literal["events", "messages"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    view: View
    at: Moment
    #: The points to compare.
    diff: tuple[Moment, Moment] | None
    branch_id: str | None
    follow: bool
    form: Form


def wanted_of(
    *,
    view: View,
    at: str | None,
    diff: tuple[str, str] | None,
    branch_id: str | None,
    follow: bool,
    form: Form | None,
    as_json: bool,
) -> Wanted:
    """Raises Usage for what does not go together."""
    if as_json and form not in (None, "json"):
        raise Usage("--json and --format exclude each other.")
    if diff is not None and (at is not None or view == "messages"):
        raise Usage("--diff takes its two points itself: no --at, no --as messages.")
    if branch_id is not None and (view != "messages" or diff is not None):
        raise Usage("--branch is for --as messages.")
    form = "json" if as_json else form or "text"
    if follow:
        _check_follow(at, view, diff, form)
    return Wanted(
        view=view,
        at=parse_moment(at),
        diff=(parse_moment(diff[0]), parse_moment(diff[1])) if diff else None,
        branch_id=branch_id,
        follow=follow,
        form=form,
    )


def _check_follow(at: str | None, view: View, diff: object, form: Form) -> None:
    if at is not None:
        raise Usage("--follow and --at exclude each other.")
    if view != "events" or diff is not None or form not in ("text", "json"):
        raise Usage("--follow prints events, as text or JSON.")
