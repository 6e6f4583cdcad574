"""The examples, built once for all tests that read their runs."""

from pathlib import Path

import pytest

from edgekit.cli import run

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run directory of ``examples/digits``."""
    return _built("digits", tmp_path_factory)


@pytest.fixture(scope="session")
def gestures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run directory of ``examples/gestures``."""
    return _built("gestures", tmp_path_factory)


def _built(name: str, factory: pytest.TempPathFactory) -> Path:
    out = factory.mktemp(name) / "run"
    assert run(["build", str(EXAMPLES / name), "--out", str(out)]) == 0
    return out
