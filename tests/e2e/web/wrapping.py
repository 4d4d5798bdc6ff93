"""Serves a page around the installed `@openai/chatkit-react` to one browser and to nobody else.

The site has no such page: the browser is given it in place of the site's answer, so that it has the
site's origin, cookies and API. React is published as CommonJS, which browsers cannot load: each of
its files stands in a function, and a module of its name hands on what that exports.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from playwright.sync_api import Page, Route

from tests.e2e.web.site import ROOT, Site

MODULES = ROOT / "web" / "node_modules"
WRAPPER = MODULES / "@openai" / "chatkit-react" / "dist" / "index.js"
PATH = "/wrapper"
COMMONJS = {
    "react": "react/cjs/react.production.js",
    "react/jsx-runtime": "react/cjs/react-jsx-runtime.production.js",
    "react-dom": "react-dom/cjs/react-dom.production.js",
    "react-dom/client": "react-dom/cjs/react-dom-client.production.js",
    "scheduler": "scheduler/cjs/scheduler.production.js",
}
REQUIRE = """
const made = {};
export function require(name) {
  if (!made[name]) {
    const module = (made[name] = { exports: {} });
    files[name](require, module, module.exports);
  }
  return made[name].exports;
}
"""


def handler_names() -> dict[str, str]:
    """The wrapper's events, each with its handler."""
    listed = re.search(r"EVENT_HANDLER_MAP = \{(.*?)\};", WRAPPER.read_text(), re.S)
    assert listed
    return dict(re.findall(r'"(chatkit\.[\w.]+)": "(on\w+)"', listed[1]))


def method_names() -> list[str]:
    listed = re.search(
        r"CHATKIT_METHOD_NAMES = Object\.freeze\(\[(.*?)\]", WRAPPER.read_text(), re.S
    )
    assert listed
    return re.findall(r'"(\w+)"', listed[1])


def open_wrapper(page: Page, site: Site) -> None:
    files = _files()

    def answer(route: Route) -> None:
        name = route.request.url.removeprefix(f"{site.url}{PATH}").lstrip("/")
        kind = "text/javascript" if name else "text/html"
        route.fulfill(body=files[name], content_type=f"{kind}; charset=utf-8")

    page.route(re.compile(f"^{re.escape(site.url)}{PATH}(/|$)"), answer)
    page.goto(f"{site.url}{PATH}")


def _files() -> dict[str, str]:
    functions = ",\n".join(
        f"{json.dumps(name)}: function (require, module, exports) {{{_source(name)}}}"
        for name in COMMONJS
    )
    return {
        "": _document(),
        "commonjs": f"const files = {{{functions}}};{REQUIRE}",
        "app": (Path(__file__).parent / "wrapper.js").read_text(),
        "@openai/chatkit-react": WRAPPER.read_text(),
        **{name: _module(name) for name in COMMONJS},
    }


def _module(name: str) -> str:
    exported = sorted(set(re.findall(r"^exports\.([A-Za-z]\w*) =", _source(name), re.M)))
    return (
        f"import {{ require }} from '{PATH}/commonjs';\n"
        f"const it = require('{name}');\nexport default it;\n"
        f"export const {{ {', '.join(exported)} }} = it;\n"
    )


def _source(name: str) -> str:
    return (MODULES / COMMONJS[name]).read_text()


def _document() -> str:
    names = [*COMMONJS, "@openai/chatkit-react"]
    imports = json.dumps({"imports": {name: f"{PATH}/{name}" for name in names}})
    known = json.dumps({"handlers": list(handler_names().values()), "methods": method_names()})
    return (
        "<!doctype html><title>Wrapper</title><style>.chat { display: block; height: 90vh }</style>"
        f"<script>window.wrapper = {known}</script><script type=importmap>{imports}</script>"
        "<script type=module src=/chatkit.js></script>"
        f"<div id=root></div><script type=module src={PATH}/app></script>"
    )
