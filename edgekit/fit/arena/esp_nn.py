"""The scratch buffers that ESP-NN's kernels ask for, by chip and by version of the library.

Each function gives the bytes of the library's own ``esp_nn_get_…_scratch_size``, which
esp-tflite-micro (0a9143d: ``kernels/esp_nn``) asks the arena for when it prepares an operator.
Versions are commits of github.com/espressif/esp-nn; the formulas are in `esp32_s3` and `esp32_p4`.
All other chips run the generic kernels, which need a buffer for softmax alone.
"""

from typing import TYPE_CHECKING

from edgekit.fit.arena import esp32_p4, esp32_s3
from edgekit.fit.arena.convolution_geometry import layer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edgekit.fit.arena.convolution_geometry import Convolution
    from edgekit.fit.arena.interpreter import EspChip, EspNn
    from edgekit.fit.arena.kernels import KernelSetup

_CONVOLUTION: "Mapping[EspChip, Mapping[EspNn, Callable[[Convolution], int]]]" = {
    "esp32-s3": {
        "a4ef344": esp32_s3.convolution_a4ef344,
        "d45b843": esp32_s3.convolution_d45b843,
        "1017042": esp32_s3.convolution_1017042,
    },
    "esp32-p4": {
        "a4ef344": esp32_s3.convolution_a4ef344,  # esp_nn_conv_esp32p4.c has the same formula
        "d45b843": esp32_p4.convolution_d45b843,
        "1017042": esp32_p4.convolution_0534433,
    },
}
_DEPTHWISE: "Mapping[EspChip, Mapping[EspNn, Callable[[Convolution, int], int]]]" = {
    "esp32-s3": {
        "a4ef344": esp32_s3.depthwise_a4ef344,
        "d45b843": esp32_s3.depthwise_6e2e716,
        "1017042": esp32_s3.depthwise_1017042,
    },
    "esp32-p4": {
        "a4ef344": esp32_p4.no_depthwise,  # esp_nn_depthwise_conv_opt.c
        "d45b843": esp32_p4.no_depthwise,
        "1017042": esp32_p4.depthwise_2b0f6c5,
    },
}


def convolution_bytes(kernel: "KernelSetup") -> int:
    """Return the bytes of `esp_nn_get_conv_scratch_size`; 0 for other types than int8."""
    build = kernel.build
    if kernel.input(0).dtype != "int8" or build.esp_chip == "generic":
        return 0
    return _CONVOLUTION[build.esp_chip][build.esp_nn](layer(kernel))


def depthwise_bytes(kernel: "KernelSetup") -> int:
    """Return the bytes of `esp_nn_get_depthwise_conv_scratch_size`; 0 for others than int8."""
    build = kernel.build
    if kernel.input(0).dtype != "int8" or build.esp_chip == "generic":
        return 0
    multiplier = kernel.options.depthMultiplier
    return _DEPTHWISE[build.esp_chip][build.esp_nn](layer(kernel), multiplier)


def softmax_bytes(kernel: "KernelSetup") -> int:
    """Return the bytes of `esp_nn_get_softmax_scratch_size`; 0 for other types than int8.

    Four for each element of the second dimension, whatever the chip and version.
    """
    source = kernel.input(0)
    if source.dtype != "int8" or kernel.output().dtype != "int8":
        return 0
    second = source.shape[1:2]
    return 4 * second[0] if second else 0
