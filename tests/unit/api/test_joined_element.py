"""The modules of the chat element, put together as one."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from api.joined_element import FOLDER, join_element

JOINED = join_element().decode()
DECLARED = re.compile(r"^(?:async )?(?:function\*?|class|const|let) (\w+)", re.MULTILINE)


def test_every_module_is_in_it_once() -> None:
    for path in FOLDER.glob("*.js"):
        for name in DECLARED.findall(path.read_text().replace("export ", "")):
            assert len(re.findall(rf"^(?:async )?\S+ {name}\b", JOINED, re.MULTILINE)) == 1


def test_names_of_modules_do_not_meet() -> None:
    """As they would stand in one scope."""
    assert [name for name, count in Counter(DECLARED.findall(JOINED)).items() if count > 1] == []


def test_it_imports_nothing_and_exports_what_the_entry_does() -> None:
    assert re.findall(r"^import\b.*", JOINED, re.MULTILINE) == []
    assert re.findall(r"^export\b.*", JOINED, re.MULTILINE) == [
        "export { ChatError, OpenAIChatKit, timings };"
    ]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.js")), ids=lambda path: path.stem)
def test_imports_are_written_as_they_are_looked_for(path: Path) -> None:
    """Another form of import would be left in."""
    source = path.read_text()
    assert "import(" not in source.replace("@import", "")
    for line in re.findall(r"^(?:import|export \{).*", source, re.MULTILINE):
        assert line.startswith(("import {", "export { ", "export {};"))


def test_modules_stand_after_what_they_import(tmp_path: Path) -> None:
    (tmp_path / "element.js").write_text(
        "import { b } from './one.js';\nexport { a } from './two.js';\nexport const c = b + 1;\n"
    )
    (tmp_path / "one.js").write_text(
        "import {\n  a,\n} from './two.js';\nexport const b = a + 1;\n"
    )
    (tmp_path / "two.js").write_text("// @ts-check\nexport const a = 1;\n")
    assert join_element(tmp_path).decode() == (
        "const a = 1;\n\nconst b = a + 1;\n\nconst c = b + 1;\n\nexport { a, c };\n"
    )
