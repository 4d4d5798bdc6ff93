"""What the read tables held of a conversation at a point of its stream: folded anew, in memory."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from events import codec
from events.conversation import MAIN_BRANCH, id_of
from events.keys import KeyRing
from events.stored import StoredEvent
from projections.branch_rows import BranchRow
from projections.conversations import ConversationRow, conversation_key
from projections.decoding import Decoded, data_keys_of, decode, readable, split_known
from projections.errors import UnknownBranch
from projections.fold import fold
from projections.loading import load
from projections.messages import MessageRow
from projections.rows import Key, ReadRow, Rows, Siblings
from projections.tables import ReadModel


@dataclass(frozen=True, slots=True, kw_only=True)
class PastConversation:
    row: ConversationRow
    #: Of every branch, by ordinal.
    messages: Sequence[MessageRow]
    branches: Mapping[str, BranchRow]
    #: True when an event could not be folded: later ones are not in it.
    is_stale: bool

    def page(self, branch_id: str | None = None) -> list[MessageRow]:
        """What a branch showed, as `selects.messages_page` reads it: a named one, or the active.

        Raises UnknownBranch.
        """
        branch_id = branch_id or self.row.branch_id
        if branch_id not in {MAIN_BRANCH, *self.branches}:
            raise UnknownBranch
        found: list[MessageRow] = []
        until: float = math.inf
        while branch_id:
            found += [m for m in self.messages if m.branch_id == branch_id and m.ordinal <= until]
            branch = self.branches.get(branch_id)
            branch_id = branch.parent_id if branch else None
            until = branch.until_ordinal or 0 if branch else 0
        return [self._with_siblings(m) for m in sorted(found, key=lambda m: m.ordinal)]

    def _with_siblings(self, message: MessageRow) -> MessageRow:
        place = (message.slot_id, message.role)
        ids = [m.id for m in self.messages if (m.slot_id, m.role) == place]
        if message.slot_id is None or len(ids) < 2:
            return message
        n = ids.index(message.id)
        siblings = Siblings(
            message_id=message.id,
            number=n + 1,
            count=len(ids),
            previous_id=ids[n - 1] if n else None,
            next_id=ids[n + 1] if n + 1 < len(ids) else None,
        )
        return replace(message, siblings=siblings)


async def past_conversation(
    stored: Sequence[StoredEvent], keys: KeyRing
) -> PastConversation | None:
    """Of the beginning of a stream; None where its content was erased.

    Raises UnknownTopic or NewerSchema for what this release cannot know.
    """
    _, unknown = split_known(stored)
    if unknown is not None:
        raise unknown
    loaded = await keys.load(codec.key_ids_of(stored))
    decoded = list(decode(stored, loaded))
    if not decoded:
        return None
    rows = await load(_NoRows(), readable(decoded), data_keys_of(decoded, loaded))
    is_stale = not _fold_all(rows, decoded)
    return _past(rows, id_of(stored[0].stream_id), is_stale)


def _fold_all(rows: Rows, decoded: Iterable[Decoded]) -> bool:
    """False when an event could not be applied, as the projector parks its stream then."""
    for each in decoded:
        try:
            fold(rows, each.event)
        except Exception:
            return False
    return True


def _past(rows: Rows, conversation_id: str, is_stale: bool) -> PastConversation | None:
    row = rows.get(conversation_key(conversation_id), ConversationRow)
    if row is None:
        return None
    messages = rows.of_conversation(MessageRow, conversation_id)
    branches = rows.of_conversation(BranchRow, conversation_id)
    return PastConversation(
        row=row,
        messages=sorted(messages, key=lambda m: m.ordinal),
        branches={branch.id: branch for branch in branches},
        is_stale=is_stale,
    )


class _NoRows:
    """Where nothing was folded yet."""

    async def rows(self, model: ReadModel, keys: Iterable[Key]) -> dict[Key, ReadRow]:
        return {}
