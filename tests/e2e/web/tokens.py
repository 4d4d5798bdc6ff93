"""Bearer tokens that the API must tell apart: a good one, and each way to forge or misuse one."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from runtime.embedded import locate
from tests.e2e.serving.server import environment
from tests.e2e.web.people import PASSWORD, Person
from tests.e2e.web.site import ROOT, Site
from tests.unit.auth.forge import ED25519_KEY, claims, raw_token, signed

MINT = Path(__file__).parent / "mint.mjs"
MINT_SECONDS = 60.0
HOUR_SECONDS = 3600


@dataclass(frozen=True)
class Minted:
    good: str
    #: By what is wrong with each.
    bad: dict[str, str]


def node_path() -> str:
    return shutil.which("node") or str(ROOT / ".node" / "bin" / "node")


def mint(
    site: Site, person: Person, database_url: str | None = None, secret: str | None = None
) -> Minted:
    """The site's own database and secret unless others are given."""
    now = int(time.time())
    good = {"sub": person.user_id, "iat": now}
    misused: dict[str, dict[str, Any]] = {
        "wrong audience": good | {"aud": "https://elsewhere.example"},
        "wrong issuer": good | {"iss": "https://elsewhere.example"},
        "expired": good | {"iat": now - 2 * HOUR_SECONDS, "exp": now - HOUR_SECONDS},
        "not yet valid": good | {"nbf": now + HOUR_SECONDS, "exp": now + 2 * HOUR_SECONDS},
        "of nobody": {"iat": now},
    }
    settings = {
        "BETTER_AUTH_URL": site.url,
        "BETTER_AUTH_SECRET": secret or site.secret,
        "DATABASE_URL": database_url or str(locate(site.data_dir)),
    }
    made = _signed_by_site(settings, person, [good, *misused.values()])
    token, *rest = made["tokens"]
    bad = dict(zip(misused, rest, strict=True))
    bad |= zip(("cookie cache of HS256", "cookie cache of EdDSA"), made["cookies"], strict=True)
    forged = _forged(site, person, settings["BETTER_AUTH_SECRET"])
    return Minted(token, bad | forged | _no_tokens(person))


def _signed_by_site(
    settings: dict[str, str], person: Person, payloads: list[dict[str, Any]]
) -> dict[str, Any]:
    order = {"payloads": payloads, "email": person.email, "password": PASSWORD}
    done = subprocess.run(
        [node_path(), "--input-type=module"],
        input=MINT.read_text(),
        cwd=ROOT / "web",
        env=environment({**settings, "ORDER": json.dumps(order)}),
        capture_output=True,
        text=True,
        timeout=MINT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    made: dict[str, Any] = json.loads(done.stdout)
    return made


def _forged(site: Site, person: Person, secret: str) -> dict[str, str]:
    """What somebody makes who knows everything that is public, or the wrong secret."""
    jwk = httpx.get(f"{site.url}/api/auth/jwks").raise_for_status().json()["keys"][0]
    payload = claims(sub=person.user_id, iss=site.url, aud=site.url)
    public = jwt.PyJWK(jwk).key
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    secrets = {
        "PEM": pem,
        "x": jwk["x"].encode(),
        "bytes": base64.urlsafe_b64decode(jwk["x"] + "="),
        "JWK": json.dumps(jwk).encode(),
        "BETTER_AUTH_SECRET": secret.encode(),
    }
    header = {"kid": jwk["kid"], "typ": "JWT"}
    forged = {f"HS256 with {name}": _hs256(key, header, payload) for name, key in secrets.items()}
    none = raw_token(header | {"alg": "none"}, payload)
    own = signed(ED25519_KEY, "EdDSA", jwk["kid"], site.url, sub=person.user_id)
    foreign = signed(ED25519_KEY, "EdDSA", "foreign", site.url, sub=person.user_id)
    without = signed(ED25519_KEY, "EdDSA", None, site.url, sub=person.user_id)
    kids = {"own key under their kid": own, "foreign kid": foreign, "no kid": without}
    return {"alg none": none, **forged, **kids}


def _hs256(secret: bytes, header: dict[str, Any], payload: dict[str, Any]) -> str:
    # PyJWT refuses to sign with a public key, which is what an attacker would do.
    signing = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    unsigned = raw_token(header | {"alg": "HS256"}, payload).rstrip(".")
    signature = base64.urlsafe_b64encode(signing.sign(unsigned.encode(), secret))
    return f"{unsigned}.{signature.rstrip(b'=').decode()}"


def _no_tokens(person: Person) -> dict[str, str]:
    cookie = next(value for name, value in person.cookies.items() if "session_token" in name)
    return {"session cookie": cookie, "session token": cookie.partition(".")[0]}
