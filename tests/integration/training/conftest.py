"""What the tests of the training half share: both Keras in this process, with their warnings."""

from typing import Any

import pytest

_NOISY = ("tensorflow", "tf_keras", "keras", "tensorflow_model_optimization", "jax", "h5py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("train"):
            for module in _NOISY:
                item.add_marker(pytest.mark.filterwarnings(f"ignore:::{module}"))


@pytest.fixture(scope="session")
def tf_keras() -> Any:
    from edgekit.training import _tensorflow

    return _tensorflow.tf_keras()


@pytest.fixture(scope="session")
def keras3(tf_keras: Any) -> Any:
    del tf_keras  # imported first, as the door does
    from edgekit.training import _tensorflow

    return _tensorflow.keras3()
