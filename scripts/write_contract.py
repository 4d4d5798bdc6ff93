"""Writes the OpenAPI document of the app to the file that the argument names."""

from __future__ import annotations

import sys
from pathlib import Path

import yaml

from api.app import create_app
from runtime.settings import Settings


def main() -> None:
    # Nothing is opened: the description depends on no setting and needs no database.
    document = create_app(Settings(database_url=None)).openapi()
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)
    Path(sys.argv[1]).write_text(text)


if __name__ == "__main__":
    main()
