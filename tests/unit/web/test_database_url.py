"""Which database the site's login tables live in."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

from tests.requirements import require

ROOT = Path(__file__).parents[3]
#: The machine's, or the one that scripts/web has fetched.
NODE = shutil.which("node") or shutil.which("node", path=ROOT / ".node" / "bin")
PRINT = """
    import { databaseUrl } from './lib/database-url.mjs';
    console.log(JSON.stringify(JSON.parse(process.argv[1]).map((env) => databaseUrl(env) ?? null)));
"""
LOGIN = "postgresql://ada:ep-pooler.x@"
CASES: list[tuple[dict[str, str], str | None]] = [
    ({}, None),
    ({"DATABASE_URL": "postgresql://h/db"}, "postgresql://h/db"),
    ({"DATABASE_URL": "postgresql://h/db", "DATABASE_DIRECT_URL": ""}, "postgresql://h/db"),
    ({"DATABASE_URL": "postgresql://h/db", "DATABASE_DIRECT_URL": "other"}, "other"),
    (
        {"DATABASE_URL": f"{LOGIN}ep-cool-1-pooler.eu.aws.neon.tech/db?sslmode=require"},
        f"{LOGIN}ep-cool-1.eu.aws.neon.tech/db?sslmode=require",
    ),
    (
        {"DATABASE_URL": f"{LOGIN}ep-cool-1.eu.aws.neon.tech/db"},
        f"{LOGIN}ep-cool-1.eu.aws.neon.tech/db",
    ),
    (
        {"DATABASE_URL": f"{LOGIN}my-pooler.example.org/db"},
        f"{LOGIN}my-pooler.example.org/db",
    ),
]


def test_pooled_url_of_neon_leads_to_the_database_itself() -> None:
    given = json.dumps([env for env, _ in CASES])
    command = [require(NODE, "Node"), "--input-type=module", "--eval", PRINT, given]
    found = subprocess.run(command, cwd=ROOT / "web", capture_output=True, check=True, timeout=30)
    assert json.loads(found.stdout) == [wanted for _, wanted in CASES]
