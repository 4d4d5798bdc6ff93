"""The rows of the branches' read model; `projections.branches` folds them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Table

from projections.rows import Key, ReadRow
from projections.tables import UPDATED, identifier, metadata, sealed


class BranchRow(ReadRow, frozen=True, kw_only=True):
    id: str
    conversation_id: str
    #: Both null for the main branch, which has a row once it was left.
    parent_id: str | None = None
    #: The last ordinal of the parent that the branch shows as well.
    until_ordinal: int | None = None
    #: Of the message that its first one takes the place of; null where it begins with a reply.
    slot_id: str | None = None
    #: The stream version of the fork.
    version: int = 0
    #: What the conversation's was when the branch was left last, at first when it forked.
    message_count: int = 0


TABLE = Table(
    "branches",
    metadata,
    identifier("conversation_id", primary_key=True),
    identifier("id", primary_key=True),
    identifier("owner_id"),
    identifier("parent_id", nullable=True),
    Column("until_ordinal", BigInteger, nullable=True),
    identifier("slot_id", nullable=True),
    Column("version", BigInteger, nullable=False),
    Column("message_count", BigInteger, nullable=False),
    *sealed(),
    postgresql_with=UPDATED,
)


def branch_key(conversation_id: str, branch_id: str) -> Key:
    return (TABLE.name, conversation_id, branch_id)
