"""What this room itself refuses; the other rooms' errors are put into HTTP by `api.problems`.

ApiError
├── NotFound            404  what the path names does not exist
├── UnusableRequest     422  the request was read and cannot be carried out as it is
├── StreamGone          410  the part of a stream that was asked for is not kept any more
├── BodyTooLarge        413  more bytes than the route takes
└── NotConfigured       501  this server is not set up for it
"""

from __future__ import annotations

from typing import ClassVar

from starlette.exceptions import HTTPException


class ApiError(HTTPException):
    """The text is one sentence for a person.

    FastAPI lets only its own kind of exception pass while it reads a body, hence the base.
    """

    status: ClassVar[int]
    code: ClassVar[str]

    def __init__(self, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(self.status, detail, headers)


class NotFound(ApiError):
    status = 404
    code = "not-found"


class UnusableRequest(ApiError):
    status = 422
    code = "invalid-request"


class StreamGone(ApiError):
    status = 410
    code = "stream-gone"


class BodyTooLarge(ApiError):
    status = 413
    code = "body-too-large"

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"The request is larger than {limit_bytes} bytes, which is the limit.")


class NotConfigured(ApiError):
    status = 501
    code = "not-configured"
