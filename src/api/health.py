"""Is it up, is it ready, and its figures: all from memory, so that probes wake no database."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import Response

from api.dependencies import NodeOf
from api.describing import problems, text_of
from api.problems import Answer, Problem, problem_response
from events.sealer import Sealer
from projections.projector import ProjectorStatus
from runtime import migrations
from runtime.node import Node

#: A sealer that has been called for this long is stuck.
SEAL_LAG_SECONDS = 10.0
RETRY_AFTER_SECONDS = 2

router = APIRouter(tags=["health"])


class Alive(BaseModel):
    status: str


class Check(BaseModel):
    is_ok: bool
    detail: str


class Readiness(BaseModel):
    status: str
    #: Age of what is known about the database: nobody asks a sleeping one.
    last_look_age_seconds: float
    checks: dict[str, Check]


class NotReady(Problem):
    """A problem that names the checks."""

    checks: dict[str, Check]
    last_look_age_seconds: float


@router.get("/healthz", responses=problems(403))
async def get_health() -> Alive:
    """Whether the process answers."""
    return Alive(status="up")


@router.get(
    "/readyz", response_model=Readiness, responses=problems(403) | problems(503, model=NotReady)
)
async def get_readiness(node: NodeOf) -> Any:
    """Whether requests can be served, as of the last look at the database."""
    checks = _checks(node)
    age = round(node.look_age_seconds, 3)
    failing = [name for name, check in checks.items() if not check.is_ok]
    if not failing:
        return Readiness(status="ready", last_look_age_seconds=age, checks=checks)
    answer = Answer(
        503,
        "not-ready",
        f"Not ready: {', '.join(failing)}.",
        {"Retry-After": str(RETRY_AFTER_SECONDS)},
    )
    shown = {name: check.model_dump() for name, check in checks.items()}
    return problem_response(answer, members={"checks": shown, "last_look_age_seconds": age})


@router.get(
    "/metrics",
    response_class=Response,
    responses=problems(403) | text_of("The figures.", "text/plain"),
)
async def get_metrics(node: NodeOf) -> Response:
    """In Prometheus' text format."""
    body, media_type = node.metrics.render()
    return Response(body, media_type=media_type)


def _checks(node: Node) -> dict[str, Check]:
    checks = {
        "database": _database(node),
        "migrations": Check(is_ok=True, detail=f"Schema {migrations.HEAD}, as of the start."),
        "sealer": _sealer(node.sealer),
        "projector": _projector(node.projector.status, node.signal.head),
    }
    if node.reads.replica is not None:
        detail = "Away or behind; the primary answers." if node.reads.replica.is_away else "In use."
        checks["replica"] = Check(is_ok=True, detail=detail)
    return checks


def _database(node: Node) -> Check:
    if node.listener is None:
        is_ok = node.projector.status.last_error is None
        return Check(is_ok=is_ok, detail="Polled." if is_ok else "The last read failed.")
    if node.listener.is_listening:
        return Check(is_ok=True, detail="Connected.")
    if node.listener.is_resting:
        return Check(is_ok=True, detail="Closed while idle; the next request connects.")
    return Check(is_ok=False, detail="Not connected; connecting.")


def _sealer(sealer: Sealer) -> Check:
    lag = sealer.lag_seconds
    return Check(is_ok=lag < SEAL_LAG_SECONDS, detail=f"Behind for {lag:.1f} s.")


def _projector(status: ProjectorStatus, head: int) -> Check:
    if status.state != "running" or status.last_error is not None:
        return Check(is_ok=False, detail=status.last_error or f"It is {status.state}.")
    detail = f"At position {status.position} of {head}."
    if status.parked:
        # The others are served well, and waiting cures nothing.
        detail += f" Parked: {status.parked}; see `verbatim projections parked`."
    return Check(is_ok=True, detail=detail)
