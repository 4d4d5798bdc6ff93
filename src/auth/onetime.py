from __future__ import annotations

import hashlib
import math
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from auth.errors import InvalidToken, TooManyAttempts
from auth.signing import Signer

MAX_FAILURES = 20
FAILURE_WINDOW_SECONDS = 60.0
# Longer than the leeway on a token's expiry, so that its mark is never gone before it is.
SPENT_MARGIN_SECONDS = 60


class SpentTokens(Protocol):
    """Which one-time tokens were redeemed, shared by all workers and nodes."""

    async def spend(self, token_id: str, expires_at: datetime) -> bool:
        """True for the first caller only, and kept at least until `expires_at`."""
        ...


class OneTimeTokens:
    """Local mode's sign-in links: signed, so any worker can check one; spent in the store, so
    exactly one worker can redeem it.

    Failures are counted per process; `clock` counts seconds.
    """

    def __init__(
        self, signer: Signer, spent: SpentTokens, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._signer = signer
        self._spent = spent
        self._clock = clock
        self._failures: deque[float] = deque(maxlen=MAX_FAILURES)

    def issue(self) -> str:
        return self._signer.sign_in_token()

    async def redeem(self, token: str) -> bool:
        """True once per token. Raises TooManyAttempts after MAX_FAILURES within the window."""
        self._check_attempts()
        # Counted before the store answers, so that parallel attempts stay within the bound.
        attempted_at = self._clock()
        self._failures.append(attempted_at)
        is_redeemed = await self._spend(token)
        if is_redeemed and attempted_at in self._failures:
            self._failures.remove(attempted_at)
        return is_redeemed

    def _check_attempts(self) -> None:
        if len(self._failures) < MAX_FAILURES:
            return
        wait_seconds = self._failures[0] + FAILURE_WINDOW_SECONDS - self._clock()
        if wait_seconds > 0:
            raise TooManyAttempts(math.ceil(wait_seconds))

    async def _spend(self, token: str) -> bool:
        try:
            sign_in = self._signer.verify_sign_in(token)
        except InvalidToken:
            return False
        # The store holds a hash: who reads the table or its backups learns no token.
        token_id = hashlib.sha256(sign_in.token_id.encode()).hexdigest()
        keep_until = sign_in.expires_at + timedelta(seconds=SPENT_MARGIN_SECONDS)
        return await self._spent.spend(token_id, keep_until)
