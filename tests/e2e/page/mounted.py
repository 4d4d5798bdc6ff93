"""The element alone on an empty page, driven as the published contract says."""

from __future__ import annotations

import time
from typing import Any

from playwright.sync_api import Page

PATIENCE_SECONDS = 10

MOUNT = """
({ options, functions }) => {
    const element = document.createElement('openai-chatkit');
    window.chat = element;
    window.heard = [];
    for (const name of ['ready', 'error', 'response.start', 'response.end', 'thread.change',
                        'thread.load.start', 'thread.load.end', 'effect', 'deeplink', 'log',
                        'history.open', 'history.close', 'tool.change'])
        element.addEventListener(`chatkit.${name}`, ({ detail }) => heard.push(
            [name, detail?.error ? { error: detail.error.message } : detail]));
    const given = { api: { url: '/chatkit', domainKey: 'local' }, ...options };
    for (const [path, name] of Object.entries(functions)) {
        const steps = path.split('.');
        const place = steps.slice(0, -1).reduce((at, step) => (at[step] ??= {}), given);
        place[steps.at(-1)] = window[name];
    }
    element.setOptions(given);
    document.body.replaceChildren(element);
}
"""


def mount(page: Page, functions: dict[str, str] | None = None, **options: Any) -> None:
    """`functions`: which of the window's functions stands where in the options."""
    page.evaluate(MOUNT, {"options": options, "functions": functions or {}})


def heard(page: Page, *names: str) -> list[list[Any]]:
    """The events with these names so far, each with its detail."""
    found: list[list[Any]] = page.evaluate("heard")
    return [event for event in found if event[0] in names]


def logged(page: Page) -> list[str]:
    return [detail["name"] for _, detail in heard(page, "log")]


def wait_for(page: Page, name: str) -> None:
    """Until an event with this name has come."""
    wait_until(page, f"heard.some(([name]) => name === '{name}')")


def wait_until(page: Page, condition: str) -> None:
    """Asked from outside: polling within the page is an eval, which its policy refuses."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not page.evaluate(condition):
        assert time.monotonic() < deadline, condition
        page.wait_for_timeout(20)


def refusal(page: Page, call: str) -> str:
    """The message with which a method rejects, or an empty text."""
    told: str = page.evaluate(f"() => {call}.then(() => '', (error) => error.message)")
    return told
