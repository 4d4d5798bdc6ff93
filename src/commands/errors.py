"""The command room's errors; nothing of a refused command is stored.

CommandError
├── NotFound        what the command speaks of does not exist
├── Foreign         it belongs to another user
├── Rejected        the state does not allow it (a conflict; `code` says which)
├── InvalidCommand  the command itself is wrong
└── StaleAttempt    a newer attempt of the run has taken over
"""

from __future__ import annotations


class CommandError(Exception):
    """Base of every refusal; the text is one sentence for a person."""


class NotFound(CommandError):
    pass


class Foreign(CommandError):
    def __init__(self) -> None:
        super().__init__("This belongs to another user.")


class Rejected(CommandError):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class InvalidCommand(CommandError):
    pass


class StaleAttempt(CommandError):
    def __init__(self, run_id: str, attempt: int, current: int) -> None:
        super().__init__(f"Attempt {attempt} of run {run_id} was superseded by attempt {current}.")
