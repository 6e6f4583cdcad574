"""Fixtures for all tests, and the skip for those that need the models and data beside us."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from edgekit.runtimes import litert, tflm

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"

# Two shared cores may be busy: slowness is no failure here, only wrong answers are.
# Chance is new in every run: half of hypothesis' examples at a time find the same.
settings.register_profile(
    "edgekit", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("edgekit")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if SHARED.is_dir():
        return
    absent = pytest.mark.skip(reason="the models and data of ../shared are not here")
    for item in items:
        if item.get_closest_marker("shared"):
            item.add_marker(absent)


@pytest.fixture(scope="session")
def shared_models() -> Path:
    """The folder of real models; only for tests marked ``shared``."""
    return SHARED / "models"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data; only for tests marked ``shared``."""
    return SHARED / "data"


@pytest.fixture(scope="session")
def micro() -> Iterator[tflm.Session]:
    """TFLite-Micro, started once for all tests that run models in it."""
    with tflm.Session() as session:
        yield session


@pytest.fixture(scope="session")
def light() -> Iterator[litert.Session]:
    """LiteRT, started once for all tests that run models in it."""
    with litert.Session() as session:
        yield session
