"""The table of how the model becomes integer."""

from dataclasses import dataclass
from typing import Literal

from edgekit.errors import InputError
from edgekit.numerics.range_methods import RangeMethod
from edgekit.specs.checks import check_count, check_types

IoType = Literal["int8", "uint8", "float32"]
Scheme = Literal["int8", "int16x8", "int4", "float16", "dynamic"]
Converted = Literal["int8", "int16x8", "float16", "dynamic", "float32"]
Simulation = Literal["int4", "int2", "binary", "fp8"]
INTEGER_SCHEMES = frozenset({"int8", "int16x8"})
"""After which nothing in the file is a float, but for its border."""
SIMULATED_BITS: dict[Simulation, int] = {"int4": 4, "int2": 2, "binary": 1, "fp8": 8}
Calibration = RangeMethod
Method = Literal["qat", "ptq"]


@dataclass(frozen=True, kw_only=True, slots=True)
class QuantizeSpec:
    """How the model becomes integer.

    Args:
        method: ``"qat"`` trains with quantization in mind, ``"ptq"`` only calibrates.
        epochs: Of quantization-aware training.
        scheme: ``"int8"`` all integer; ``"int16x8"`` 16-bit activations, 8-bit weights;
            ``"int4"`` as int8, with 4-bit weights where TFLite-Micro has kernels;
            ``"float16"`` and ``"dynamic"`` are for phones, not for microcontrollers.
        io: Type of the model's inputs and outputs.
        simulate: Let the weights take the values of a coarser type alone: what the model
            answers is real, its size is not. ``"int4"``, ``"int2"`` and ``"binary"`` lie on the
            int8 grid; ``"fp8"`` (E4M3) rounds the weights of a float model.
        calibration: How the range of an activation is taken from the calibration samples; see
            ``docs/calibration.md``.
        bias_correction: Whether what quantization shifts the mean of a channel by is taken off
            its bias; the effect is measured and told.
    """

    method: Method = "ptq"
    epochs: int = 2
    scheme: Scheme = "int8"
    io: IoType = "int8"
    simulate: Simulation | None = None
    calibration: Calibration = "minmax"
    bias_correction: bool = False

    def __post_init__(self) -> None:
        check_types(self, "quantize")
        check_count("quantize.epochs", self.epochs, least=1)
        if self.calibration != "minmax":
            self._check_calibrated(f'calibration = "{self.calibration}"')
        if self.bias_correction:
            self._check_calibrated("bias_correction = true")
        if self.simulate is not None and self.scheme not in INTEGER_SCHEMES:
            raise InputError(
                f"quantize.simulate has no meaning for the scheme '{self.scheme}'",
                hint='set scheme = "int8", whose weights it makes coarser',
            )
        if self.io == "uint8" and self.converted != "int8":
            scheme = self.scheme if self.simulate is None else self.simulate
            raise InputError(
                f"quantize.io = \"uint8\" has no meaning for the scheme '{scheme}', whose "
                f"activations are {'16-bit integers' if scheme == 'int16x8' else 'floats'}",
                hint='set scheme = "int8", or take it away',
            )
        if self.scheme == "int16x8" and self.method == "qat":
            raise InputError(
                'quantize.scheme = "int16x8" cannot be trained for: quantization-aware training '
                "rounds activations to 8 bits",
                hint='set [quantize] method = "ptq"',
            )
        if self.simulate == "fp8" and self.method == "qat":
            raise InputError(
                'quantize.simulate = "fp8" rounds the weights of a float model: there are no '
                "integers to train for",
                hint='set [quantize] method = "ptq"',
            )

    def _check_calibrated(self, option: str) -> None:
        """Refuse an option of post-training quantization to 8-bit activations where it is none."""
        if self.method == "qat":
            raise InputError(
                f"quantize.{option} has no meaning for the method 'qat', which learns its ranges "
                "and biases",
                hint='set method = "ptq", or take it away',
            )
        if self.converted != "int8":
            raise InputError(
                f"quantize.{option} has no meaning for the scheme '{self.scheme}'",
                hint='set scheme = "int8", or take it away',
            )

    @property
    def weight_bits(self) -> int:
        """The bits of a weight that a training has in mind."""
        if self.simulate is not None:
            return SIMULATED_BITS[self.simulate]
        return 4 if self.scheme == "int4" else 8

    @property
    def converted(self) -> Converted:
        """The scheme that a converter is asked for; weights are made coarser after it."""
        if self.simulate == "fp8":
            return "float32"
        return "int8" if self.scheme == "int4" else self.scheme

    @property
    def is_integer(self) -> bool:
        """Whether nothing in the converted file is a float, but for its border."""
        return self.converted in INTEGER_SCHEMES
