"""The real interpreters: ``run(file, inputs) -> outputs``, each isolated from this process."""

from typing import TYPE_CHECKING

from edgekit.runtimes import litert, tflm

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

RUNTIMES: "Mapping[str, Callable[..., tuple[tflm.Array, ...]]]" = {
    "litert": litert.run,
    "tflite-micro": tflm.run,
}
"""Each runtime by the name that outputs and target profiles use."""

TITLES = {"tflite-micro": "TFLite-Micro", "litert": "LiteRT"}
"""What people call each runtime."""
