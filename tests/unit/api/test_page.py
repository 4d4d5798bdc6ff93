from __future__ import annotations

from pathlib import Path

import httpx
from fastapi import FastAPI

from api.page import page_router


def browser(folder: Path) -> httpx.AsyncClient:
    app = FastAPI()
    app.include_router(page_router(folder))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost")


async def test_files_are_found_below_the_folder_and_no_others(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<p>hello")
    (tmp_path / "fonts").mkdir()
    (tmp_path / "fonts" / "own.woff2").write_bytes(b"wOF2")
    (tmp_path / "notes.md").write_text("not for the public")
    async with browser(tmp_path) as client:
        assert (await client.get("/")).text == "<p>hello"
        assert (await client.get("/fonts/own.woff2")).headers["content-type"] == "font/woff2"
        for path in ("/notes.md", "/fonts", "/index.html"):
            assert (await client.get(path)).status_code == 404


async def test_etag_follows_the_content(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("one")
    async with browser(tmp_path) as client:
        first = await client.get("/")
    (tmp_path / "index.html").write_text("two")
    async with browser(tmp_path) as client:
        known = {"If-None-Match": f'"other", W/{first.headers["etag"]}'}
        assert (await client.get("/", headers=known)).text == "two"
    (tmp_path / "index.html").write_text("one")
    async with browser(tmp_path) as client:
        assert (await client.get("/", headers=known)).status_code == 304


async def test_head_has_the_headers_alone(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("hello")
    async with browser(tmp_path) as client:
        head = await client.head("/")
        assert (head.status_code, head.headers["content-length"]) == (200, "5")
