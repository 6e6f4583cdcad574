"""What is in a `.tflite`, as `edgekit.model.inspection` finds it."""

from dataclasses import dataclass, field

from edgekit.record.encode import UNWRITTEN


@dataclass(frozen=True, kw_only=True, slots=True)
class FloatTensor:
    """A float tensor where only integers should be, and the operator beside it.

    Args:
        name: Of the tensor.
        dtype: Such as ``"float32"``.
        operator: The operator that writes it, or the first that reads it, with its index.
    """

    name: str
    dtype: str = ""
    operator: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class OperatorSummary:
    """One operator of the finished model, in the order of execution.

    Args:
        index: Its place.
        op: Its kind.
        macs: Multiply-accumulates of one invocation.
        parameters: Trained numbers that it reads.
    """

    index: int
    op: str
    macs: int = 0
    parameters: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Port:
    """An input or output; ``real = scale * (stored - zero_point)``.

    Args:
        name: As in the file.
        shape: Batch included.
        dtype: Such as ``"int8"``.
        scale: Of one step, or None for a float.
        zero_point: The stored value of 0.0, or None for a float.
    """

    name: str
    shape: tuple[int, ...] = ()
    dtype: str = ""
    scale: float | None = None
    zero_point: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Constant:
    """A constant tensor of the file, its bytes, and the operator that reads it.

    Args:
        name: As in the file.
        bytes: As stored.
        op: The kind of the operator that reads it.
        operator: That operator's index.
        zero_fraction: Of its elements, those that stand for exactly 0.0.
        shape: Its dimensions.
        dtype: Such as ``"int8"``.
    """

    name: str
    bytes: int
    op: str = ""
    operator: int = field(default=-1, metadata=UNWRITTEN)
    zero_fraction: float = 0.0
    shape: tuple[int, ...] = ()
    dtype: str = ""

    @property
    def is_kernel(self) -> bool:
        """True for weights that are multiplied; false for biases."""
        return len(self.shape) > 1
