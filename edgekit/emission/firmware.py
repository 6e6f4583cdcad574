"""What every emitter is given: one model, checked, with all that its firmware must know."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgekit.emission.names import check_name
from edgekit.errors import InputError, UnsupportedModelError, UsageError
from edgekit.files.results import told
from edgekit.model.integer import float_tensors
from edgekit.model.reader import Model, Tensor

if TYPE_CHECKING:
    from pathlib import PurePosixPath

    import numpy.typing as npt

    from edgekit.model.file import ModelFile
    from edgekit.quantity import Quantity

    Array = npt.NDArray[np.generic]

_C_TYPES = {
    "bool": "bool",
    "int8": "int8_t",
    "uint8": "uint8_t",
    "int16": "int16_t",
    "int32": "int32_t",
    "int64": "int64_t",
    "float32": "float",
}
_QUANTIZED = frozenset({"int8", "uint8", "int16"})


@dataclass(frozen=True, kw_only=True, slots=True)
class EmittedFile:
    """One file of an emitted format.

    Args:
        path: Below the folder that the user asked for.
        text: Its whole content.
    """

    path: "PurePosixPath"
    text: str

    def __repr__(self) -> str:
        return told(f"<EmittedFile {self.path}: {len(self.text.splitlines()):,} lines>")


@dataclass(frozen=True, kw_only=True, slots=True)
class GoldenVectors:
    """Golden vectors: inputs, and the outputs that the device must give for them.

    Args:
        inputs: For each input of the model its stored values, shape ``(samples, *shape[1:])``.
        outputs: For each output the same, as TFLite-Micro gave them.
        source: Where both come from, in words.
    """

    inputs: "tuple[Array, ...]"
    outputs: "tuple[Array, ...]"
    source: str

    @property
    def count(self) -> int:
        """The number of samples."""
        return len(self.inputs[0])


@dataclass(frozen=True, kw_only=True, slots=True)
class CTensor:
    """One input or output of the model as C knows it.

    Args:
        symbol: ``"input"``, or ``"input_0"`` where the model has several.
        tensor: In the flatbuffer.
        c_type: Of one stored value.
    """

    symbol: str
    tensor: Tensor
    c_type: str

    @property
    def is_quantized(self) -> bool:
        """Whether stored integers stand for real numbers."""
        return self.tensor.dtype in _QUANTIZED and self.tensor.quantization is not None

    @property
    def scale(self) -> float:
        """Of a quantized port: ``real = scale * (stored - zero_point)``."""
        assert self.tensor.quantization is not None
        return float(self.tensor.quantization.scales[0])

    @property
    def zero_point(self) -> int:
        """Of a quantized port: the stored value that stands for 0."""
        assert self.tensor.quantization is not None
        return int(self.tensor.quantization.zero_points[0])

    @property
    def least(self) -> int:
        """The least stored value of the port's integer type."""
        return int(np.iinfo(self.tensor.dtype).min)

    @property
    def greatest(self) -> int:
        """The greatest stored value of the port's integer type."""
        return int(np.iinfo(self.tensor.dtype).max)


@dataclass(frozen=True, kw_only=True, slots=True)
class Firmware:
    """A model and what its firmware must know.

    Args:
        name: A C identifier; files, arrays and functions begin with it.
        content: The whole `.tflite` file.
        model: The same, read.
        inputs: In the model's order.
        outputs: In the model's order.
        arena_bytes: Of the tensor arena on the device; None where nobody found out.
        vectors: Golden vectors, or None.
        labels: Names of the classes.
        scale: Multiplied with every raw input value, before ``offset`` is added.
        offset: Added to every scaled input value.
    """

    name: str
    content: bytes
    model: Model
    inputs: tuple[CTensor, ...]
    outputs: tuple[CTensor, ...]
    arena_bytes: "Quantity | None"
    vectors: GoldenVectors | None
    labels: tuple[str, ...]
    scale: float
    offset: float


def firmware(
    file: "ModelFile",
    *,
    name: str,
    arena_bytes: "Quantity | None",
    vectors: GoldenVectors | None,
    labels: tuple[str, ...],
    scale: float,
    offset: float,
) -> Firmware:
    """Return the model in ``file`` with all that its firmware must know, checked.

    Raises:
        UsageError: The name cannot be one in C.
        InputError: Vectors that do not fit the model, or a scale or offset
            that is not a finite number.
        UnsupportedModelError: A float model, or an input or output of a type without C text.
    """
    check_name(name)
    if not np.isfinite([scale, offset]).all() or scale == 0:
        raise InputError(f"data.scale is {scale:g} and data.offset {offset:g}, not finite numbers")
    model = file.model
    check_integer(model)
    if arena_bytes is not None and arena_bytes.value <= 0:
        raise UsageError(f"an arena of {arena_bytes.value:g} B holds no tensor")
    built = Firmware(
        name=name,
        content=file.content,
        model=model,
        inputs=_ports("input", model, model.main.inputs),
        outputs=_ports("output", model, model.main.outputs),
        arena_bytes=arena_bytes,
        vectors=vectors,
        labels=labels,
        scale=scale,
        offset=offset,
    )
    if vectors is not None:
        _check_vectors(built, vectors)
    return built


def check_integer(model: Model) -> None:
    """Refuse float tensors, but for an input or output that the model itself converts.

    Raises:
        UnsupportedModelError: The message names the first that is left.
    """
    main = model.main
    converted = {
        index
        for operator in main.operators
        for index in (*operator.inputs, *operator.outputs)
        if operator.op in ("QUANTIZE", "DEQUANTIZE") and index in (*main.inputs, *main.outputs)
    }
    left = float_tensors(model, allowed=converted)
    if left:
        raise UnsupportedModelError(
            f"the model is not fully integer: tensor '{left[0].name}' is {left[0].dtype}",
            hint="quantize the float model: edgekit convert FLOAT_MODEL --data DATA --out FILE",
        )


def _ports(kind: str, model: Model, indices: tuple[int, ...]) -> tuple[CTensor, ...]:
    return tuple(
        _port(kind if len(indices) == 1 else f"{kind}_{number}", model.main.tensors[index])
        for number, index in enumerate(indices)
    )


def _port(symbol: str, tensor: Tensor) -> CTensor:
    if tensor.dtype not in _C_TYPES:
        raise UnsupportedModelError(
            f"{symbol} '{tensor.name}' is {tensor.dtype}, which firmware cannot hold"
        )
    if tensor.quantization is not None and len(tensor.quantization.scales) != 1:
        raise UnsupportedModelError(f"{symbol} '{tensor.name}' has more than one scale")
    return CTensor(symbol=symbol, tensor=tensor, c_type=_C_TYPES[tensor.dtype])


def _check_vectors(built: Firmware, vectors: GoldenVectors) -> None:
    pairs = (("input", built.inputs, vectors.inputs), ("output", built.outputs, vectors.outputs))
    for kind, ports, arrays in pairs:
        if len(ports) != len(arrays):
            raise InputError(f"vectors for {len(arrays)} {kind}s, and the model has {len(ports)}")
        for port, array in zip(ports, arrays, strict=True):
            wanted = (vectors.count, *port.tensor.shape[1:])
            if array.dtype.name != port.tensor.dtype or array.shape != wanted:
                raise InputError(
                    f"vectors of {port.symbol} are {array.dtype} {array.shape}, "
                    f"not {port.tensor.dtype} {wanted}"
                )
    if vectors.count == 0:
        raise InputError("the vectors hold no sample")
