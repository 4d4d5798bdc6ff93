from __future__ import annotations

from typing import Annotated, Literal

from fastapi import FastAPI, Path, Query
from pydantic import BaseModel

from api.docs import render


class Thing(BaseModel):
    names: list[str]
    kind: Literal["big", "small"] | None = None


def test_docs_show_parameters_bodies_answers_and_schemas() -> None:
    app = FastAPI(title="Things & more", version="2")

    @app.put("/things/{thing_id}")
    async def put_thing(
        thing_id: Annotated[int, Path(description="Its <number>.")],
        thing: Thing,
        limit: Annotated[int, Query(description="At most.")] = 3,
    ) -> Thing:
        """Puts a thing."""
        return thing

    page = render(app.openapi())
    assert "<title>Things &amp; more 2</title>" in page
    assert "<b>put</b><code>/things/{thing_id}</code>" in page
    assert "<p>Puts a thing.</p>" in page
    assert "<td>path integer (required)</td><td>Its &lt;number&gt;.</td>" in page
    assert "<td>query integer</td><td>At most.</td>" in page
    assert "<th><code>body</code></th><td>Thing</td><td>application/json</td>" in page
    assert "<td>list of string</td>" in page
    assert "<td>big | small or null (optional)</td>" in page
