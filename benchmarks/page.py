"""`scripts/bench page`: what the chat element costs the browser."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import CDPSession, Page, async_playwright

from benchmarks.measures import Goal, Measure, percentile
from benchmarks.page_server import MESSAGES, page_server
from benchmarks.plan import Part, Plan
from runtime.embedded import EmbeddedServer

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-extensions", "--js-flags=--expose-gc"]
VIEWPORT = {"width": 1280, "height": 800}
TOKENS_PER_SECOND = 50
#: An hour of them.
ALL_FRAMES = 180_000
CYCLE_FRAMES = 3_000
SCROLL_PIXELS = 400
MEGABYTE = 1e6

MOUNT = """
async ({ thread }) => {
    await import('/chatkit.js');
    const chat = document.createElement('openai-chatkit');
    const opened = new Promise((done) => chat.addEventListener('chatkit.thread.load.end', done));
    const start = performance.now();
    chat.setOptions({ api: { url: '/chatkit' }, initialThread: thread });
    document.body.replaceChildren(chat);
    if (thread) await opened;
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    window.chat = chat;
    return performance.now() - start;
}
"""
SCROLL = """
async ({ pixels, seconds }) => {
    const scroller = chat.shadowRoot.querySelector('.scroller');
    const frames = [];
    const end = performance.now() + seconds * 1000;
    for (let last = performance.now(); last < end; ) {
        scroller.scrollTop -= pixels;
        const now = await new Promise(requestAnimationFrame);
        frames.push(now - last);
        last = now;
    }
    return { frames, shown: chat.shadowRoot.querySelectorAll('.message').length };
}
"""
SEND = """
async (text) => {
    const ended = new Promise((done) => chat.addEventListener('chatkit.response.end', done));
    await chat.sendUserMessage({ text });
    await ended;
}
"""


BARE = """
async (text) => {
    const input = { content: [{ type: 'input_text', text }] };
    const body = JSON.stringify({ type: 'threads.create', params: { input } });
    const reader = (await fetch('/chatkit', { method: 'POST', body })).body.getReader();
    const words = 'words of it go on and ';
    for (let step; !(step = await reader.read()).done; ) document.body.append(words);
}
"""


async def opening(_server: EmbeddedServer, plan: Plan) -> list[Measure]:
    taken = []
    async with _browser_page() as (page, _):
        for _round in range(plan.rounds):
            taken.append(await page.evaluate(MOUNT, {"thread": "long"}))
            await page.reload()
    name = f"a conversation of {MESSAGES:,} messages is opened and drawn, latest of {plan.rounds}"
    return [Measure(measure=name, value=max(taken), unit="ms", goal=Goal(1000, 1000, True))]


async def scrolling(_server: EmbeddedServer, plan: Plan) -> list[Measure]:
    """Upwards through a conversation that is loaded on the way."""
    async with _browser_page() as (page, cdp):
        await page.evaluate(MOUNT, {"thread": "long"})
        about = {"pixels": SCROLL_PIXELS, "seconds": 5 * plan.round_seconds}
        found = await page.evaluate(SCROLL, about)
        nodes = (await _metrics(cdp))["Nodes"]
    frames = sorted(found["frames"])
    shown = found["shown"]
    name = f"time between two frames while {shown:,} messages are scrolled in"
    return [
        Measure(measure=f"{name}, p50", value=percentile(frames, 0.5), unit="ms"),
        Measure(
            measure=f"{name}, p95",
            value=percentile(frames, 0.95),
            unit="ms",
            goal=Goal(33.4, 50, True),
        ),
        Measure(measure="nodes of the document then, per message", value=nodes / shown, unit=""),
    ]


async def streaming(_server: EmbeddedServer, plan: Plan) -> list[Measure]:
    """Beside a page that reads the same and puts each delta into its body."""
    seconds = 5 * plan.round_seconds
    frames = int(TOKENS_PER_SECOND * seconds)
    asked = {"frames": frames, "per_second": TOKENS_PER_SECOND, "cycle": 4 * frames}
    about = f"CPU of the main thread, {TOKENS_PER_SECOND} tokens/s for {seconds:.0f} s"
    bare = await _share_of_core(BARE, asked, None)
    return [
        Measure(
            measure=f"{about}, {place}",
            value=await _share_of_core(SEND, asked, thread),
            unit="% of a core",
            against="a bare page that appends each delta to its body",
            baseline=bare,
            goal=Goal(5, 5, is_upper=True),
        )
        for thread, place in ((None, "on an empty page"), ("long", "below 30 messages"))
    ]


async def _share_of_core(script: str, asked: dict[str, float], thread: str | None) -> float:
    async with _browser_page() as (page, cdp):
        await page.evaluate(MOUNT, {"thread": thread})
        before = await _metrics(cdp)
        await page.evaluate(script, json.dumps(asked))
        after = await _metrics(cdp)
    busy = after["ThreadTime"] - before["ThreadTime"]
    return 100 * busy / (after["Timestamp"] - before["Timestamp"])


async def memory(_server: EmbeddedServer, plan: Plan) -> list[Measure]:
    frames = ALL_FRAMES if plan.rounds > 3 else ALL_FRAMES // 10
    async with _browser_page() as (page, cdp):
        await page.evaluate(MOUNT, {"thread": None})
        heaps = []
        for count in (CYCLE_FRAMES * 2, frames):
            asked = {"frames": count, "per_second": 0, "cycle": CYCLE_FRAMES}
            start = (await _metrics(cdp))["Timestamp"]
            await page.evaluate(SEND, json.dumps(asked))
            seconds = (await _metrics(cdp))["Timestamp"] - start
            heaps.append(await _settled_heap(cdp))
    grown = (heaps[1] - heaps[0]) / MEGABYTE
    return [
        Measure(
            measure=f"heap after {frames:,} frames at full speed, beyond that after "
            f"{CYCLE_FRAMES * 2:,} ({heaps[0] / MEGABYTE:.1f} MB)",
            value=grown,
            unit="MB",
            goal=Goal(1, 2, is_upper=True),
        ),
        Measure(measure="frames taken at full speed", value=frames / seconds, unit="/s"),
    ]


PARTS: dict[str, Part] = {
    "opening": opening,
    "scrolling": scrolling,
    "streaming": streaming,
    "memory": memory,
}


@asynccontextmanager
async def _browser_page() -> AsyncIterator[tuple[Page, CDPSession]]:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    async with page_server() as address, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=FLAGS)
        page = await browser.new_page(viewport=VIEWPORT)
        cdp = await page.context.new_cdp_session(page)
        await cdp.send("Performance.enable")
        await page.goto(address)
        yield page, cdp
        await browser.close()


async def _metrics(cdp: CDPSession) -> dict[str, float]:
    answer = await cdp.send("Performance.getMetrics")
    return {metric["name"]: metric["value"] for metric in answer["metrics"]}


async def _settled_heap(cdp: CDPSession) -> float:
    """What is left once collections find nothing more: one frees what another only finds."""
    heaps = []
    for _ in range(10):
        await cdp.send("HeapProfiler.collectGarbage")
        await asyncio.sleep(0.3)
        heaps.append((await _metrics(cdp))["JSHeapUsedSize"])
    return min(heaps)
