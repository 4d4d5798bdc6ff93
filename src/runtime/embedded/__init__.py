"""PostgreSQL as a child process, for a machine where nobody gave a DATABASE_URL."""

from runtime.embedded.record import locate
from runtime.embedded.server import EmbeddedServer, start

__all__ = ["EmbeddedServer", "locate", "start"]
