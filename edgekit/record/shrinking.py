"""What shrinking saved, as `edgekit.shrinking` and its stage find it."""

from dataclasses import dataclass, field

from edgekit.record.encode import UNWRITTEN


@dataclass(frozen=True, kw_only=True, slots=True)
class Saving:
    """One lossless pass and the bytes it took off.

    Args:
        name: Of the pass.
        saved_bytes: Of the file.
    """

    name: str
    saved_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Shrink:
    """What shrinking took off the file, and on how many vectors the outputs were equal.

    See `edgekit.shrinking.Shrunk`.

    Args:
        before_bytes: Of the converted file.
        after_bytes: Of the shrunken file.
        passes: What each pass took off.
        vectors: Inputs on which the outputs were the same byte for byte, of the whole model or of
            the changed operators by themselves.
        whole_vectors: Inputs on which those of the whole model were.
        runtimes: In which they were.
        arena_before_bytes: Least arena in TFLite-Micro on this 64-bit machine.
        arena_after_bytes: The same of the shrunken file.
        macs_before: Multiply-accumulates of one invocation.
        macs_after: The same of the shrunken file.
        bit_exact: That they were: the stage fails otherwise; None where nothing was shrunk.
        refusal: Why nothing was shrunk, or None.
    """

    before_bytes: int
    after_bytes: int
    passes: tuple[Saving, ...] = ()
    vectors: int = 0
    whole_vectors: int = 0
    runtimes: tuple[str, ...] = ()
    arena_before_bytes: int | None = None
    arena_after_bytes: int | None = None
    macs_before: int | None = None
    macs_after: int | None = None
    bit_exact: bool | None = None
    refusal: str | None = field(default=None, metadata=UNWRITTEN)
