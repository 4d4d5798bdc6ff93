"""The chat element: written as modules, served as one, so that a page loads a single file."""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).parent / "element"
ENTRY = "element"

_IMPORT = re.compile(r"^import \{[^}]*\} from '\./([\w-]+)\.js';\n", re.MULTILINE)
_PASSED_ON = re.compile(r"^export \{ ([\w, ]+) \} from '\./[\w-]+\.js';\n", re.MULTILINE)
_EXPORTED = re.compile(r"^export ((?:async )?(?:function\*?|class|const|let) (\w+))", re.MULTILINE)
#: What is of use only where each module stands for itself.
_LOCAL = re.compile(r"^(?:// @ts-check|export \{\};|/\*\* @import .*\*/)\n", re.MULTILINE)


def join_element(folder: Path = FOLDER) -> bytes:
    """One module with the entry's exports; each module stands after those it imports."""
    joined: dict[str, str] = {}
    entry = _join(folder, ENTRY, joined)
    exports = {name for names in _PASSED_ON.findall(entry) for name in names.split(", ")}
    exports |= {name for _, name in _EXPORTED.findall(entry)}
    return "\n".join([*joined.values(), f"export {{ {', '.join(sorted(exports))} }};\n"]).encode()


def _join(folder: Path, name: str, joined: dict[str, str]) -> str:
    """The module's source; a circle of imports is entered where it is first met."""
    source = (folder / f"{name}.js").read_text("utf-8")
    joined[name] = ""
    for imported in _IMPORT.findall(source):
        if imported not in joined:
            _join(folder, imported, joined)
    bare = _EXPORTED.sub(r"\1", _LOCAL.sub("", _PASSED_ON.sub("", _IMPORT.sub("", source))))
    del joined[name]
    joined[name] = bare
    return source
