"""HTTP whose answers are read up to a size: what a stranger's server sends is held in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import cast

import httpx2


class CappedTransport(httpx2.AsyncHTTPTransport):
    def __init__(self, limit_bytes: int) -> None:
        super().__init__()
        self._limit_bytes = limit_bytes

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Raises StreamError for a compressed answer, whose size nobody knows beforehand."""
        response = await super().handle_async_request(request)
        if response.headers.get("content-encoding", "identity") != "identity":
            await response.aclose()
            raise httpx2.StreamError("The answer is compressed, though that was declined.")
        return httpx2.Response(
            response.status_code,
            headers=response.headers,
            stream=_Capped(cast(httpx2.AsyncByteStream, response.stream), self._limit_bytes),
            extensions=response.extensions,
        )


class _Capped(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, limit_bytes: int) -> None:
        self._stream = stream
        self._left_bytes = limit_bytes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            self._left_bytes -= len(chunk)
            if self._left_bytes < 0:
                raise httpx2.StreamError("The answer is larger than what is read of one.")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()
