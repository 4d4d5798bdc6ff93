"""`python -m tests.wire --port N --script FILE`; prints its base URL once it listens."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from tests.wire.scripts import load_script
from tests.wire.server import ResponsesServer


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.wire", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes any free port")
    parser.add_argument("--script", type=Path, required=True, help="JSON with turns or rules")
    arguments = parser.parse_args()
    script = load_script(json.loads(arguments.script.read_text()))
    server = ResponsesServer(script, port=arguments.port)
    print(server.base_url, flush=True)
    server.serve()


if __name__ == "__main__":
    main()
