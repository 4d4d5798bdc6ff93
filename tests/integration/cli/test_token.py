from __future__ import annotations

import base64
from pathlib import Path

import pytest

from auth.signing import Kind, Signer
from auth.tokens import Hs256Verifier
from tests.integration.cli.command_line import AUTH_SECRET, CommandLine, on_folder


def own_signer(data_dir: Path) -> Signer:
    return Signer(base64.b64decode((data_dir / "signing.key").read_text()))


def test_token_of_local_mode_is_good_for_the_user(tmp_path: Path) -> None:
    minted = on_folder(tmp_path).answer("token", "--user", "ada").out.strip()
    principal = own_signer(tmp_path).verify(minted, {Kind.USER})
    assert (principal.user_id, principal.scope, principal.roles) == ("ada", "user", frozenset())


def test_token_as_json_has_role_and_lifetime(tmp_path: Path) -> None:
    arguments = ("token", "--user", "ada", "--role", "auditor", "--hours", "2", "--json")
    (row,) = on_folder(tmp_path).answer(*arguments).rows()
    assert (row["user"], row["expires_in_seconds"]) == ("ada", 7200)
    assert own_signer(tmp_path).verify(row["token"], {Kind.USER}).roles == {"auditor"}


async def test_token_of_hs256_mode_is_signed_with_the_shared_secret(tmp_path: Path) -> None:
    line = CommandLine(
        {
            "VERBATIM_DATA_DIR": str(tmp_path),
            "BETTER_AUTH_SECRET": AUTH_SECRET,
            "BETTER_AUTH_AUDIENCE": "chat",
        }
    )
    minted = line.answer("token", "--user", "ada", "--role", "operator").out.strip()
    principal = await Hs256Verifier(AUTH_SECRET, audience="chat").verify(minted)
    assert principal.user_id == "ada"
    assert principal.roles == {"operator"}


def test_token_is_refused_where_a_login_service_signs(tmp_path: Path) -> None:
    line = on_folder(tmp_path)
    ran = line.run("token", "--user", "ada", BETTER_AUTH_URL="https://login.example")
    assert (ran.code, ran.out) == (1, "")
    assert "BETTER_AUTH_URL" in ran.complaint()
    assert "no key to sign" in ran.complaint()


def test_token_for_an_impossible_user_is_refused(tmp_path: Path) -> None:
    ran = on_folder(tmp_path).run("token", "--user", "ada/eve")
    assert (ran.code, ran.out) == (1, "")
    assert "'ada/eve'" in ran.complaint()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--user", "ada", "--role", "king"), "auditor"),
        (("--user", "ada", "--hours", "0"), "--hours"),
        (("--user", "ada", "--hours", "nan"), "--hours"),
        (("--user", "ada", "--hours", "9999"), "--hours"),
        ((), "--user"),
    ],
)
def test_token_with_wrong_options_is_wrong_usage(
    tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    ran = on_folder(tmp_path).run("token", *arguments)
    assert ran.code == 2
    assert said in ran.complaint()
    assert "verbatim token --help" in ran.complaint()
