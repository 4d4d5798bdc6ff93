"""The tables of the log that reads and checkpoints refer to; migrations own them."""

from __future__ import annotations

import uuid

from sqlalchemy import BigInteger, Integer, Text, Uuid, bindparam, column, select, table
from sqlalchemy.dialects.postgresql import ARRAY

LOG_SCHEMA = "verbatim"
#: The data key's id when encryption is off; stored as null.
NO_KEY = uuid.UUID(int=0)

GENERATIONS = table(
    "generations",
    column("generation", Integer),
    column("definition", Text),
    column("state", Text),
    column("position", BigInteger),
    schema=LOG_SCHEMA,
)
PARKED = table(
    "parked",
    column("generation", Integer),
    column("stream_id", Text),
    column("owner_id", Text),
    schema=LOG_SCHEMA,
)
LOG = table("log", column("position", BigInteger), column("owner_id", Text), schema=LOG_SCHEMA)
INBOX = table("inbox", column("owner_ids", ARRAY(Text)), schema=LOG_SCHEMA)
HEADS = table(
    "heads",
    column("stream_id", Text),
    column("version", BigInteger),
    column("owner_id", Text),
    schema=LOG_SCHEMA,
)
DATA_KEYS = table("data_keys", column("key_id", Uuid), schema=LOG_SCHEMA)

OWNER_OF_STREAM = select(HEADS.c.owner_id).where(HEADS.c.stream_id == bindparam("stream_id"))
