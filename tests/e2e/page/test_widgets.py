"""Widgets: what is drawn of whatever a server sends."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect

from .looks import lowest_contrast, style
from .mounted import heard
from .played import Played, card, drawn, played, widget

__all__ = ["played"]


def test_boxes_are_laid_out_as_they_say(played: Played) -> None:
    row = {
        "type": "Row",
        "children": [{"type": "Text", "value": "a"}, {"type": "Spacer", "minSize": 2}],
        "gap": 3,
        "padding": {"x": 2, "top": "7px"},
        "align": "end",
        "justify": "between",
        "wrap": "wrap",
        "border": {"size": 2, "style": "dashed", "color": "red-500"},
        "radius": "md",
        "background": {"light": "#ff0000", "dark": "#00ff00"},
        "margin": {"bottom": 1},
        "minHeight": 90,
        "flex": 2,
    }
    box = {"type": "Box", "direction": "row", "width": 120, "maxSize": "50px", "children": []}
    played.show(widget(card(row, box, size="lg", padding=6, background="surface-tertiary")))
    found = drawn(played.page).locator(".widget-row").first
    names = (
        "column-gap padding-left padding-top align-items justify-content flex-wrap border-top-width"
        " border-top-style border-radius background-color margin-bottom min-height flex-grow"
    )
    assert style(found, *names.split()) == [
        *("12px", "8px", "7px", "flex-end", "space-between", "wrap", "2px"),
        *("dashed", "8px", "rgb(255, 0, 0)", "4px", "90px", "2"),
    ]
    assert style(drawn(played.page).locator(".widget-row").nth(1), "width", "max-height") == [
        *("50px", "50px")
    ]
    whole = drawn(played.page).locator(".widget-card")
    assert style(whole, "padding-left", "max-width", "background-color") == [
        *("24px", "640px", "rgb(237, 241, 238)")
    ]
    played.page.evaluate("chat.setOptions({ api: { url: '/chatkit' }, theme: 'dark' })")
    assert style(found, "background-color") == ["rgb(0, 255, 0)"]


def test_texts_are_set_as_they_say(played: Played) -> None:
    text = {"type": "Text", "value": "one", "size": "xl", "weight": "bold", "textAlign": "end"}
    text |= {"italic": True, "lineThrough": True, "color": "danger", "maxLines": 2, "width": 200}
    long = {"type": "Title", "value": "A title", "size": "3xl", "truncate": True}
    small = {"type": "Caption", "value": "small", "size": "sm", "color": {"light": "blue-700"}}
    rich = {"type": "Markdown", "value": "**bold** [l](https://example.com) [x](javascript:1)"}
    played.show(widget(card(text, long, small, rich)))
    one = drawn(played.page).get_by_text("one")
    assert style(
        one, "font-size", "font-weight", "text-align", "font-style", "text-decoration-line"
    ) == ["20px", "700", "end", "italic", "line-through"]
    assert style(one, "-webkit-line-clamp", "color", "width") == ["2", "rgb(172, 31, 23)", "200px"]
    title = drawn(played.page).get_by_role("heading", name="A title")
    assert style(title, "font-size", "text-overflow", "white-space") == [
        "32px",
        "ellipsis",
        "nowrap",
    ]
    assert style(drawn(played.page).get_by_text("small"), "font-size") == ["12px"]
    expect(drawn(played.page).locator(".markdown strong")).to_have_text("bold")
    expect(drawn(played.page).locator(".markdown a")).to_have_count(1)


def test_badges_icons_and_dividers(played: Played) -> None:
    badges = [
        {"type": "Badge", "label": f"{color} {variant}", "color": color, "variant": variant}
        for color in ("secondary", "success", "danger", "warning", "info", "discovery")
        for variant in ("solid", "soft", "outline")
    ]
    parts = [
        {"type": "Icon", "name": "calendar", "size": "xl", "color": "success"},
        {"type": "Divider", "spacing": 3, "size": 2, "flush": True},
        {"type": "Image", "src": "https://example.com/a.png", "alt": "A picture"},
    ]
    played.show(widget(card(*badges, *parts)))
    page = played.page
    expect(drawn(page).locator(".label[data-variant]")).to_have_count(18)
    assert lowest_contrast(drawn(page).locator(".label")) >= 4.5
    assert style(drawn(page).locator(".widget-icon"), "font-size") == ["24px"]
    assert style(drawn(page).locator("hr"), "margin-top", "border-top-width") == ["12px", "2px"]
    expect(drawn(page).get_by_text("A picture")).to_be_visible()
    expect(drawn(page).locator("img")).to_have_count(0)


COLORS = "primary secondary info discovery success caution warning danger".split()
BUTTONS = [
    *({"label": f"{color} {variant}", "color": color, "variant": variant}
      for color in COLORS for variant in ("solid", "soft", "outline", "ghost")),
    *({"label": f"size {size}", "size": size} for size in ("3xs", "sm", "md", "3xl")),
    {"label": "plain"},
    {"label": "second", "style": "secondary"},
    {"label": "iconed", "iconStart": "check", "iconEnd": "chevron-right", "iconSize": "xl"},
    {"iconStart": "star", "uniform": True},
    {"label": "wide", "block": True, "pill": False},
    {"label": "off", "disabled": True},
]  # fmt: skip


def test_buttons_are_drawn_as_they_say(played: Played) -> None:
    row = {"type": "Row", "wrap": "wrap", "children": [{"type": "Button", **b} for b in BUTTONS]}
    played.show(widget(card(row, size="full")))
    page = played.page
    for scheme in ("light", "dark"):
        page.evaluate(f"chat.setOptions({{ api: {{ url: '/chatkit' }}, theme: '{scheme}' }})")
        assert lowest_contrast(drawn(page).locator(".action:enabled")) >= 4.5
    named = page.get_by_role("button", name="iconed")
    assert named.locator(".icon").evaluate_all("all => all.map((one) => one.dataset.icon)") == [
        *("check", "chevron")
    ]
    expect(page.get_by_role("button", name="star")).to_be_visible()
    expect(page.get_by_role("button", name="off")).to_be_disabled()
    small, big = (
        float(style(page.get_by_role("button", name=f"size {size}"), "font-size")[0][:-2])
        for size in ("3xs", "3xl")
    )
    assert small < big


def test_card_folds_when_it_is_collapsed_and_says_its_status(played: Played) -> None:
    status = {"text": "Sent", "icon": "check-circle"}
    title = {"type": "Title", "value": "Your mail"}
    body = {"type": "Text", "value": "Dear Sir"}
    played.show(widget(card(title, body, collapsed=True, status=status, theme="dark")))
    page = played.page
    expect(drawn(page).locator(".widget-status")).to_have_text("Sent")
    expect(page.get_by_text("Dear Sir")).to_be_hidden()
    page.locator("summary").click()
    expect(page.get_by_text("Dear Sir")).to_be_visible()
    assert style(drawn(page).locator(".widget-card"), "background-color", "color-scheme") == [
        *("rgb(19, 25, 20)", "dark")
    ]


def test_table_and_chart_are_tables(played: Played) -> None:
    def cells(*texts: str) -> list[dict[str, Any]]:
        return [
            {"type": "Table.Cell", "children": [{"type": "Text", "value": text}]} for text in texts
        ]

    table = {"type": "Table", "children": [
        {"type": "Table.Row", "header": True, "children": cells("Item", "Price")},
        {"type": "Table.Row", "children": [cells("Milk")[0] | {"colSpan": 2}]},
    ]}  # fmt: skip
    chart = {"type": "Chart", "xAxis": {"dataKey": "day"}, "data": [{"day": "Mon", "n": 3}],
             "series": [{"type": "bar", "dataKey": "n", "label": "Tasks"}]}  # fmt: skip
    played.show(widget(card(table, chart)))
    expect(drawn(played.page).locator("th")).to_have_text(["Item", "Price", "day", "Tasks"])
    expect(drawn(played.page).locator("td")).to_have_text(["Milk", "Mon", "3"])
    expect(drawn(played.page).locator("td[colspan='2']")).to_have_count(1)


def nested(depth: int) -> dict[str, Any]:
    part: dict[str, Any] = {"type": "Text", "value": "deep"}
    for _ in range(depth):
        part = {"type": "Box", "children": [part]}
    return part


JUNK: list[Any] = [None, 1, -1, 1e300, "", "x", "url(https://example.com/x)", [], [None], {}, True]


def test_unknown_and_broken_parts_harm_nothing(played: Played) -> None:
    names = "value label children color size gap padding border background align style name options"
    properties = [
        *names.split(),
        "editable",
        "status",
        "confirm",
        "onClickAction",
        "data",
        "radius",
    ]
    kinds = played.page.evaluate(
        "async () => (await (await fetch('/chatkit.js')).text())"
        ".match(/WIDGET_PARTS = {([^}]*)}/)[1].match(/^ {2}'?[\\w.]+/gm)"
        ".map((name) => name.replace(/[ ']/g, ''))"
    )
    assert len(kinds) >= 29
    broken = [{"type": kind, **dict.fromkeys(properties, junk)} for kind in kinds for junk in JUNK]
    unknown = {"type": "Hologram", "children": [{"type": "Text", "value": "inside"}]}
    played.show(
        widget(card(unknown, {"type": "__proto__"}, {"type": "constructor"}), "one"),
        *(widget(root, f"b{n}") for n, root in enumerate(broken)),
        *(widget(root, f"j{n}") for n, root in enumerate(JUNK)),
        widget(nested(200), "deep"),
        widget(card(*({"type": "Text", "value": "x"} for _ in range(5_000))), "long"),
        widget(card({"type": "Text", "value": "End"}), "last"),
    )
    page = played.page
    expect(page.get_by_text("inside")).to_be_visible()
    expect(page.get_by_text("End", exact=True)).to_be_visible()
    assert page.get_by_text("deep").count() == 0
    assert page.locator("[data-id=long] .widget-text").count() == 1_999
    told = [
        detail["data"] for _, detail in heard(page, "log") if detail["name"] == "widget.unknown"
    ]
    assert {"type": "Hologram"} in told
    assert {"type": "constructor"} in told
    assert heard(page, "error") == []
