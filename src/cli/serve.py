"""`verbatim serve`: the database (when none is given), the migrations, the API and the page."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.errors import CliError
from cli.opened import run, settings_of
from cli.terminal import DataDir, print_text, say

if TYPE_CHECKING:
    from runtime.embedded import EmbeddedServer
    from runtime.settings import Settings

ASSISTANT = (
    "No model is configured, so the built-in assistant answers: it follows rules and is not a "
    "language model."
)


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port; 0 takes a free one.", min=0, max=65535)
    ] = None,
    workers: Annotated[int | None, typer.Option(help="How many processes.", min=1)] = None,
    data_dir: DataDir = None,
) -> None:
    """Serve the API and the chat page until interrupted."""
    settings = settings_of(
        data_dir, verbatim_host=host, verbatim_port=port, verbatim_workers=workers
    )
    # An address nobody can sign in at, or that is taken, is not worth starting a database for.
    _ = settings.auth_mode
    _check_address(settings.verbatim_host, settings.verbatim_port)
    signal.signal(signal.SIGTERM, _terminate)
    with suppress(KeyboardInterrupt), ExitStack() as stack:
        with _heavy_libraries(settings.verbatim_workers == 1):
            url = _open_database(settings, stack)
        _migrate(url)
        _serve(settings, url)


def _check_address(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        reason = str(error.strerror).partition(" (while")[0]
        raise CliError(
            f"Cannot listen on {host} port {port} ({reason}): choose another --host or --port."
        ) from error


def _open_database(settings: Settings, stack: ExitStack) -> str:
    from runtime.urls import direct_url_of

    if settings.database_url is None:
        return stack.enter_context(_embedded(settings.verbatim_data_dir)).url
    if settings.database_direct_url is not None:
        return settings.database_direct_url.get_secret_value()
    given = settings.database_url.get_secret_value()
    return direct_url_of(given) or given


@contextmanager
def _embedded(data_dir: Path) -> Iterator[EmbeddedServer]:
    from runtime.embedded import start

    with start(data_dir, say=say) as server:
        yield server


def _migrate(url: str) -> None:
    from runtime import migrations

    if run(migrations.migrate(url)):
        say("The database was migrated.")


def _serve(settings: Settings, url: str) -> None:
    from api.serving import serve_in_process, serve_with_workers

    if settings.verbatim_workers == 1:
        serve_in_process(settings, url, _announce)
    else:
        # What a worker reads from the environment and the command line may have said otherwise.
        os.environ["VERBATIM_DATA_DIR"] = str(settings.verbatim_data_dir)
        os.environ["VERBATIM_WORKERS"] = str(settings.verbatim_workers)
        serve_with_workers(settings, _announce)


def _announce(settings: Settings, host: str, port: int) -> None:
    """The address on stdout, once the server answers."""
    if settings.openai_api_key is None and settings.openai_base_url is None:
        say(ASSISTANT)
    name = "localhost" if host in ("127.0.0.1", "::1", "0.0.0.0", "::") else host  # noqa: S104
    address = f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"
    if settings.auth_mode == "local":
        from auth.signing import Signer
        from runtime.own_keys import signing_key

        token = Signer(signing_key(settings)).sign_in_token()
        print_text(f"{address}/signin?token={token}")
        say("Open this address once to sign in (local mode: for this machine alone).")
    else:
        print_text(address)


@contextmanager
def _heavy_libraries(is_wanted: bool) -> Iterator[None]:
    """Imported meanwhile: they take longer than the database takes to start.

    Nothing after it begins before they are whole. Two threads that import modules which import each
    other get them half made.
    """
    importing = threading.Thread(target=_import_heavy_libraries, daemon=True)
    if is_wanted:
        importing.start()
    yield
    if is_wanted:
        importing.join()


def _import_heavy_libraries() -> None:
    import api.app  # noqa: F401


def _terminate(_signal: int, _frame: object) -> None:
    sys.exit(0)
