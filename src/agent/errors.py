"""What can go wrong in the agent room.

AgentError
├── ModelUnavailable          the model gives no answer, or not a whole one
│   ├── ModelTimeout          it was silent for too long
│   ├── ModelRateLimited      its host asks for patience
│   └── ModelMisconfigured    its host does not accept the key, the model name or the request
├── ModelRefused              the model, or its host's filter, declines to answer
├── ModelMisbehaved           the answer cannot be used
├── TurnLimitReached          the run took more turns than it may
├── RunTimeout                the run took more time than it may
├── RunBroken                 every attempt at the run broke off
├── RunStopped                the user stopped the run, or another node has it
├── ToolUnknown               a message asks for a tool that does not exist
├── ToolsUnavailable          the tool server does not answer
├── OutcomeUnknown            a tool was asked, and nobody knows whether it acted
├── NothingToErase            nothing is held on the user
├── NotErasable               content is stored as it is, under no key that could be destroyed
├── LimitReached              the user has asked for as much as is allowed
└── FramesGone                the frames of a run are no longer kept
"""

from __future__ import annotations


class AgentError(Exception):
    """The text is for people: it holds no key, no message and nothing that a host sent."""

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.message = message
        #: Whether the same request may well succeed in a moment.
        self.retryable = retryable


class ModelUnavailable(AgentError):
    pass


class ModelTimeout(ModelUnavailable):
    pass


class ModelRateLimited(ModelUnavailable):
    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message, retryable=True)
        self.retry_after_seconds = retry_after_seconds


class ModelMisconfigured(ModelUnavailable):
    pass


class ModelRefused(AgentError):
    pass


class ModelMisbehaved(AgentError):
    pass


class NothingToErase(AgentError):
    def __init__(self, user_id: str) -> None:
        super().__init__(f"Nothing is held on the user {user_id}.")


class NotErasable(AgentError):
    def __init__(self) -> None:
        super().__init__(
            "Nobody can be erased with VERBATIM_ENCRYPTION=off: the log is immutable, and holds "
            "what was written as it is."
        )


class TurnLimitReached(AgentError):
    pass


class RunTimeout(AgentError):
    pass


class RunBroken(AgentError):
    pass


class RunStopped(AgentError):
    pass


class ToolUnknown(AgentError):
    pass


class ToolsUnavailable(AgentError):
    pass


class OutcomeUnknown(AgentError):
    pass


class LimitReached(AgentError):
    def __init__(self, message: str, *, retry_after_seconds: int) -> None:
        super().__init__(message, retryable=True)
        self.retry_after_seconds = retry_after_seconds


class FramesGone(AgentError):
    def __init__(self, run_id: str) -> None:
        super().__init__(f"The frames of run {run_id} are no longer kept: load the conversation.")


def explain_model_error(error: BaseException) -> AgentError:
    """What to tell people about an exception that came out of a model call."""
    # The SDK takes a second to import, and whoever only catches AgentError does not need it.
    from agent.model_errors import explain

    return explain(error)
