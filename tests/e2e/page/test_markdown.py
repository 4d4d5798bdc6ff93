from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from .conftest import OpenPage
from .steps import replies, send

RENDER = """
async (pieces) => {
    // Every piece is drawn by itself, and at once.
    window.requestAnimationFrame = (draw) => { queueMicrotask(draw); return 1; };
    (await import('/chatkit.js')).timings.drawPause = 0;
    const element = document.createElement('openai-chatkit');
    const frames = pieces.map((delta) => ({ type: 'thread.item.updated', item_id: 'a', update: {
        type: 'assistant_message.content_part.text_delta', content_index: 0, delta } }));
    const item = { id: 'a', type: 'assistant_message', content: [] };
    const whole = [{ type: 'output_text', text: pieces.join('') }];
    frames.unshift({ type: 'thread.item.added', item });
    frames.push({ type: 'thread.item.done', item: { ...item, content: whole } });
    const encoder = new TextEncoder();
    const body = new ReadableStream({ async start(controller) {
        for (const frame of frames) {
            controller.enqueue(encoder.encode(`data: ${JSON.stringify(frame)}\\n\\n`));
            await new Promise(requestAnimationFrame);
        }
        controller.close();
    } });
    const headers = { 'Content-Type': 'text/event-stream' };
    const answer = async () => new Response(body, { headers });
    element.setOptions({ api: { url: '/chatkit', fetch: answer } });
    document.body.append(element);
    const ended = new Promise((done) => element.addEventListener('chatkit.response.end', done));
    await element.sendUserMessage({ text: 'go' });
    await ended;
    await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
    const drawn = element.shadowRoot.querySelector('.markdown');
    for (const bar of drawn.querySelectorAll('.code-bar')) bar.remove();
    element.remove();
    return drawn.innerHTML.replace(/ tabindex="0"/g, '');
}
"""


@pytest.fixture
def bare(open_page: OpenPage) -> Page:
    page = open_page("/bare")
    page.evaluate("import('/chatkit.js')")
    return page


def test_hostile_text_stays_text(page: Page) -> None:
    send(page, "hostile")
    message = replies(page)
    expect(message).to_contain_text("eleven")
    for text in (
        "<script>window.hacked = 1</script>",
        '<img src=x onerror="window.hacked = 2">',
        "[one](javascript:window.hacked=3)",
        "[two](data:text/html,",
        "[three](JaVaScRiPt:alert(1))",
        "[four]( javascript:alert(1))",
        "[seven](//evil.example)",
        "<svg/onload=window.hacked=6>",
        '<iframe src="javascript:window.hacked=7"></iframe>',
        "<b>nine</b>",
    ):
        expect(message).to_contain_text(text)
    assert page.evaluate("window.hacked") is None
    tags = message.evaluate(
        "root => [...root.querySelectorAll('*')].map((element) => element.localName)"
    )
    assert not {"script", "img", "iframe", "b", "i", "u"} & set(tags)
    handlers = message.evaluate(
        "root => [...root.querySelectorAll('*')].flatMap((element) =>"
        " element.getAttributeNames().filter((name) => name.startsWith('on')))"
    )
    assert handlers == []
    links = message.locator("a").evaluate_all("links => links.map((link) => link.protocol)")
    assert set(links) <= {"https:"}


def test_hostile_user_text_stays_text(page: Page) -> None:
    send(page, "<img src=x onerror=alert(1)> **not bold**")
    expect(page.locator(".user .bubble")).to_have_text("<img src=x onerror=alert(1)> **not bold**")
    expect(page.locator(".user .bubble *")).to_have_count(0)


def test_tour_of_markdown(page: Page) -> None:
    send(page, "markdown")
    message = replies(page)
    expect(message.locator("h4")).to_have_text("A plan")
    expect(message.locator("strong")).to_have_text("bold")
    expect(message.locator("em").first).to_have_text("italic")
    expect(message.locator("ol > li")).to_have_count(2)
    expect(message.locator("ol > li").first.locator("ul > li")).to_have_count(2)
    expect(message.locator("blockquote")).to_have_text("A quoted line")
    expect(message.locator("td")).to_have_text(["Buy milk", "open"])
    expect(message.locator("pre code")).to_have_text('print("hello")')
    assert message.locator("a").evaluate_all("links => links.map(({ href }) => href)") == [
        "https://example.com/path_(x)",
        "mailto:me@example.com",
        "https://example.com/a_b",
    ]
    assert set(message.locator("a").evaluate_all("links => links.map(({ rel }) => rel)")) == {
        "noopener noreferrer nofollow"
    }
    expect(message).to_contain_text("snake_case_name stays.")


CASES = {
    "plain text": "<p>plain text</p>",
    "two\nlines": "<p>two<br>lines</p>",
    "one\n\ntwo": "<p>one</p><p>two</p>",
    "***both*** and ~~gone~~": "<p><strong><em>both</em></strong> and <s>gone</s></p>",
    "**a *b* c** d": "<p><strong>a <em>b</em> c</strong> d</p>",
    "2 * 3 * 4 and a_b_c": "<p>2 * 3 * 4 and a_b_c</p>",
    "`a **b** <c>`": "<p><code>a **b** &lt;c&gt;</code></p>",
    "open **bold": "<p>open **bold</p>",
    "\\*not\\* this": "<p>*not* this</p>",
    "- a\n- b\n\nafter": "<ul><li>a</li><li>b</li></ul><p>after</p>",
    "3. c\n4. d": '<ol start="3"><li>c</li><li>d</li></ol>',
    "- [ ] open\n- [x] done": "<ul><li>☐ open</li><li>☑ done</li></ul>",
    "- a\n  - b\n    - c": "<ul><li>a<ul><li>b<ul><li>c</li></ul></li></ul></li></ul>",
    "text\n- a": "<p>text</p><ul><li>a</li></ul>",
    "---": "<hr>",
    "> q\n> r": "<blockquote><p>q<br>r</p></blockquote>",
    "```\na\n\n  b": '<div class="code"><pre><code>a\n\n  b</code></pre></div>',
    "1999 was a year.\n2. Yes": "<p>1999 was a year.<br>2. Yes</p>",
}


def test_markdown_is_the_same_whole_and_in_pieces(bare: Page) -> None:
    assert {source: bare.evaluate(RENDER, [source]) for source in CASES} == CASES
    assert {source: bare.evaluate(RENDER, list(source)) for source in CASES} == CASES


PATHOLOGICAL = [
    "> " * 5_000,
    "[" * 20_000,
    "*a " * 5_000,
    "`" * 9_999 + "x",
    "- " * 3_000,
    "![[](" * 3_000,
    "**a" * 5_000,
    "| " * 5_000 + "\n" + "| - " * 5_000,
]


def test_pathological_text_neither_hangs_nor_throws(bare: Page) -> None:
    timed = (
        f"async (pieces) => {{ const start = performance.now(); await ({RENDER})(pieces);"
        " return performance.now() - start }"
    )
    milliseconds = {source[:9]: bare.evaluate(timed, [source]) for source in PATHOLOGICAL}
    assert max(milliseconds.values()) < 1_500, milliseconds
