from __future__ import annotations

from api.notices import notice


def test_notice_escapes_and_marks_code() -> None:
    page = notice("A <b> title", "Run `verbatim serve` & <wait>.")
    assert "<h1>A &lt;b&gt; title</h1>" in page
    assert "<p>Run <code>verbatim serve</code> &amp; &lt;wait&gt;.</p>" in page
