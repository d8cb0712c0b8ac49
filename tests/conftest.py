"""Services for the tests: each is started once per run, by whoever needs it first, and ended after the last.

`VIGIL_TEST_KAFKA` (host:port) and `VIGIL_TEST_REDIS` (redis://host:port/db) name servers of a developer's own, to be
used instead of the ones without security. Tests share them: every topic and key begins with the test's `prefix`.
"""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.services.broker import KafkaAccess
from tests.services.redis_server import RedisAccess
from tests.services.shared import shared_kafka, shared_redis

settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this run, the same for all its processes."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


@pytest.fixture(scope="session")
def broker(run_folder: Path) -> Iterator[KafkaAccess]:
    """A broker without security. A test that stops it needs a `Broker` of its own."""
    if own := os.environ.get("VIGIL_TEST_KAFKA"):
        yield KafkaAccess(own, {"PLAINTEXT": own})
        return
    with shared_kafka(run_folder, "kafka") as access:
        yield access


@pytest.fixture(scope="session")
def secured_broker(run_folder: Path) -> Iterator[KafkaAccess]:
    """A broker with every listener that Vigil can use."""
    with shared_kafka(run_folder, "secured-kafka") as access:
        yield access


@pytest.fixture(scope="session")
def redis_server(run_folder: Path) -> Iterator[RedisAccess]:
    """A Redis without security. A test that stops it needs a `RedisServer` of its own."""
    if own := os.environ.get("VIGIL_TEST_REDIS"):
        yield RedisAccess(own)
        return
    with shared_redis(run_folder, "redis") as access:
        yield access


@pytest.fixture(scope="session")
def secured_redis(run_folder: Path) -> Iterator[RedisAccess]:
    """A Redis with TLS and one user."""
    with shared_redis(run_folder, "secured-redis") as access:
        yield access


@pytest.fixture
def prefix() -> str:
    """What the names of a test's topics, groups and keys begin with."""
    return f"test-{uuid.uuid4().hex[:12]}-"
