"""The API's description as a page without any script, and as JSON at /openapi.json."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

STYLE_ADDRESS = "/docs.css"
METHODS = ("get", "post", "put", "patch", "delete")
STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 0 auto; padding: 1rem; }
section { border-top: 1px solid color-mix(in srgb, currentColor 25%, transparent); }
h2 { font-size: 1rem; overflow-wrap: anywhere; }
h2 b { text-transform: uppercase; margin-right: .5rem; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .15rem .75rem .15rem 0; }
pre { overflow: auto; font-size: .85rem; }
"""

router = APIRouter(include_in_schema=False)


@router.get("/docs")
async def show_docs(request: Request) -> Response:
    return HTMLResponse(render(request.app.openapi()))


@router.get(STYLE_ADDRESS)
async def show_style() -> Response:
    return Response(STYLE, media_type="text/css")


def render(document: Mapping[str, Any]) -> str:
    """The page for an OpenAPI document."""
    info = document["info"]
    operations = "".join(_operations(document))
    schemas = "".join(_schemas(document))
    title = f"{escape(info['title'])} {escape(info['version'])}"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{title}</title><link rel="icon" href="/favicon.svg" type="image/svg+xml">'
        f'<link rel="stylesheet" href="{STYLE_ADDRESS}"></head><body><h1>{title}</h1>'
        f"<p>{escape(info.get('summary', ''))}</p>"
        '<p>For programs: <a href="/openapi.json">/openapi.json</a></p>'
        f"<main>{operations}<h1>Schemas</h1>{schemas}</main></body></html>"
    )


def _operations(document: Mapping[str, Any]) -> Iterator[str]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield _operation(method, path, item[method])


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> str:
    words = operation.get("description") or operation.get("summary", "")
    return (
        f'<section id="{escape(operation["operationId"])}">'
        f"<h2><b>{method}</b><code>{escape(path)}</code></h2><p>{escape(words)}</p>"
        f"<table>{''.join(_inputs(operation))}{''.join(_answers(operation))}</table></section>"
    )


def _inputs(operation: Mapping[str, Any]) -> Iterator[str]:
    for parameter in operation.get("parameters", ()):
        need = " (required)" if parameter.get("required") else ""
        kind = f"{parameter['in']} {_kind(parameter.get('schema', {}))}{need}"
        yield _row(parameter["name"], kind, parameter.get("description", ""))
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        yield _row("body", _kind(content.get("schema", {})), media_type)


def _answers(operation: Mapping[str, Any]) -> Iterator[str]:
    for status, answer in operation["responses"].items():
        kinds = [
            f"{media_type} {_kind(content.get('schema', {}))}"
            for media_type, content in answer.get("content", {}).items()
        ]
        yield _row(status, ", ".join(kinds), answer.get("description", ""))


def _row(name: str, kind: str, words: str) -> str:
    cells = (f"<td>{escape(text)}</td>" for text in (kind, words))
    return f"<tr><th><code>{escape(name)}</code></th>{''.join(cells)}</tr>"


def _schemas(document: Mapping[str, Any]) -> Iterator[str]:
    for name, schema in document.get("components", {}).get("schemas", {}).items():
        required = schema.get("required", ())
        fields = (
            _row(field, _kind(said) + ("" if field in required else " (optional)"), "")
            for field, said in schema.get("properties", {}).items()
        )
        yield f"<section><h2>{escape(name)}</h2><table>{''.join(fields)}</table></section>"


def _kind(schema: Mapping[str, Any]) -> str:
    match schema:
        case {"$ref": str(ref)}:
            return ref.rpartition("/")[2]
        case {"anyOf": list(kinds)}:
            return " or ".join(_kind(kind) for kind in kinds)
        case {"enum": list(values)}:
            return " | ".join(str(value) for value in values)
        case {"type": "array", "items": dict(items)}:
            return f"list of {_kind(items)}"
        case {"type": str(kind)}:
            return f"{kind} ({schema['format']})" if "format" in schema else kind
        case _:
            return "any"
