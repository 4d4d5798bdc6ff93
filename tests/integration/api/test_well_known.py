from __future__ import annotations

import asyncio

import httpx
from agents import Model

from api.app import create_app
from api.well_known import KEY_PATH
from events.proofs.notes import NoteVerifier

from .conftest import headers_of, settings_of
from .documented import documented_by
from .running import running

AUDIT_KEY = "YXVkaXRhdWRpdGF1ZGl0YXVkaXRhdWRpdGF1ZGl0YXU="


async def test_log_without_a_key_has_none_to_show(stranger: httpx.AsyncClient) -> None:
    answer = await stranger.get(KEY_PATH)
    assert answer.status_code == 404
    assert "no key" in answer.json()["detail"]


async def test_anybody_may_read_the_public_key_of_a_log_that_signs(
    database_url: str, model: Model
) -> None:
    settings = settings_of(database_url, audit_key=AUDIT_KEY, checkpoint_seconds=0.1)
    app = create_app(settings, model=model)
    async with running(app):
        transport = httpx.ASGITransport(app=app)
        hooks = {"response": [documented_by(app)]}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://localhost", event_hooks=hooks
        ) as client:
            answer = await client.get(KEY_PATH)
            sent = await client.post(
                "/api/ada/chat", json={"message": "hello"}, headers=headers_of("ada")
            )
            assert sent.status_code == 200
            async with asyncio.timeout(20):
                while not app.state.node.checkpoints.size:
                    await asyncio.sleep(0.05)
        assert str(NoteVerifier.parse(answer.text)) == answer.text.strip()
