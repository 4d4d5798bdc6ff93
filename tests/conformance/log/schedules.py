"""Schedules: who does the next step, and what the reader does after it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import permutations, product

from hypothesis import strategies as st

from tests.conformance.log.reading import MOST_EVENTS


class Look(Enum):
    """What the reader does between two steps."""

    NOTHING = "nothing"
    SEAL = "seal"
    READ = "read"
    SEAL_AND_READ = "seal and read"


@dataclass(frozen=True)
class Plan:
    """One transaction: begin, each append, commit or rollback; one step each."""

    #: Stream and number of events, in the order of the streams.
    appends: tuple[tuple[int, int], ...]
    is_rolled_back: bool = False
    #: Whether an append is two steps, the reserving of its numbers being the first.
    is_reserved_apart: bool = False

    @property
    def n_steps(self) -> int:
        return 2 + len(self.appends) * (2 if self.is_reserved_apart else 1)

    @property
    def shape(self) -> tuple[object, ...]:
        counts = tuple(n_events for _, n_events in self.appends)
        return counts, self.is_rolled_back, self.is_reserved_apart


@dataclass(frozen=True)
class Schedule:
    plans: tuple[Plan, ...]
    #: Each entry is the next step of that plan.
    order: tuple[int, ...]
    looks: tuple[Look, ...]
    page_events: int = MOST_EVENTS


def plans_of(
    rollbacks: Sequence[bool],
    *,
    n_streams: int = 1,
    n_events: int = 1,
    is_shared: bool = False,
    is_reserved_apart: bool = False,
) -> tuple[Plan, ...]:
    """One plan for each rollback flag, each on streams of its own or all on the same ones."""
    return tuple(
        Plan(
            tuple((s if is_shared else n * n_streams + s, n_events) for s in range(n_streams)),
            is_rolled_back,
            is_reserved_apart,
        )
        for n, is_rolled_back in enumerate(rollbacks)
    )


def every_interleaving(plans: tuple[Plan, ...]) -> Iterator[Schedule]:
    """All orders of all steps, the reader looking after each step; mirror images once."""
    for order in _interleavings([plan.n_steps for plan in plans]):
        if _is_canonical(order, plans):
            yield _watched(plans, order)


def every_order_by_phase(plans: tuple[Plan, ...]) -> Iterator[Schedule]:
    """All begin, then all append, then all end: begin order x sequence order x commit order."""
    orders = list(permutations(range(len(plans))))
    for begins, sequence, ends in product(orders, repeat=3):
        appends = tuple(n for n in sequence for _ in range(plans[n].n_steps - 2))
        if _is_canonical(begins, plans):
            yield _watched(plans, begins + appends + ends)


def _watched(plans: tuple[Plan, ...], order: tuple[int, ...]) -> Schedule:
    return Schedule(plans, order, (Look.SEAL_AND_READ,) * len(order))


def _interleavings(counts: list[int]) -> Iterator[tuple[int, ...]]:
    if not any(counts):
        yield ()
    for n, count in enumerate(counts):
        if count:
            rest = [*counts[:n], count - 1, *counts[n + 1 :]]
            yield from ((n, *others) for others in _interleavings(rest))


def _is_canonical(order: tuple[int, ...], plans: tuple[Plan, ...]) -> bool:
    """Plans of one shape can change places; this is the order in which they begin in turn."""
    begun = list(dict.fromkeys(order))
    for shape in {plan.shape for plan in plans}:
        alike = [n for n in begun if plans[n].shape == shape]
        if alike != sorted(alike):
            return False
    return True


def _plan(appends: dict[int, int], is_rolled_back: bool, is_reserved_apart: bool) -> Plan:
    return Plan(tuple(sorted(appends.items())), is_rolled_back, is_reserved_apart)


_PLANS = st.builds(
    _plan,
    st.dictionaries(st.integers(0, 3), st.integers(1, 4), min_size=1, max_size=3),
    st.sampled_from([False, False, False, True]),
    st.booleans(),
)


@st.composite
def any_schedule(draw: st.DrawFn) -> Schedule:
    """Larger than what can be enumerated: up to five transactions on four streams."""
    plans = tuple(draw(st.lists(_PLANS, min_size=2, max_size=5)))
    steps = [n for n, plan in enumerate(plans) for _ in range(plan.n_steps)]
    order = tuple(draw(st.permutations(steps)))
    looks = draw(st.lists(st.sampled_from(Look), min_size=len(order), max_size=len(order)))
    return Schedule(plans, order, tuple(looks), draw(st.sampled_from([1, 2, MOST_EVENTS])))
