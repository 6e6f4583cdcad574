"""TFLite-Micro's arena, followed byte by byte: tail for what stays, head for what passes."""

from typing import TYPE_CHECKING

from edgekit.fit.arena.abi import Abi, align_up

if TYPE_CHECKING:
    from edgekit.model.reader import Tensor

ALIGNMENT_BYTES = 16
"""TFLite-Micro's ``MicroArenaBufferAlignment()``: of every tensor and kernel buffer."""

_TENSOR = "(EP)(ii)PPPEEb"  # TfLiteTensor: quantization, params, data, dims, bytes, types, variable
_AFFINE_QUANTIZATION = "PPi"
_AFFINE_QUANTIZATION_READ = "PP"  # to the end of temporary tensors: where their parts lie


class Allocator:
    """Head and tail of one arena while a model is set up; keeps the most they need together.

    The tail grows down from the arena's end and stays. The head grows up from its start: the list
    of scratch requests, later the planned tensors; temporary structures lie behind it. TFLite-Micro
    holds the tail against the head alone: what stays may lie over the end of the temporaries, and
    does no harm over what is not read any more, the last tensor's axis and zero points.
    """

    def __init__(self, abi: Abi) -> None:
        self.abi = abi
        self.tail_bytes = 0
        self.needed_bytes = 0
        self._temporary_bytes = 0
        self._unread_bytes = 0

    def persistent(self, count: int, *, alignment: int = ALIGNMENT_BYTES) -> None:
        """Take ``count`` bytes from the tail for good."""
        self.tail_bytes = align_up(self.tail_bytes + count, alignment)
        self._note(self._temporary_bytes - self._unread_bytes)

    def persistent_structures(self, fields: str, *, count: int = 1) -> None:
        """Take ``count`` structures of ``fields`` from the tail, aligned as the compiler does."""
        size = count * self.abi.struct_bytes(fields)
        self.persistent(size, alignment=self.abi.alignment(fields))

    def persistent_tensor(self, tensor: "Tensor") -> None:
        """Take a TfLiteTensor with its quantization from the tail, as for inputs and outputs."""
        for size, alignment in self._tensor_parts(tensor):
            self.persistent(size, alignment=alignment)

    def temporary(self, count: int, *, alignment: int) -> None:
        """Take ``count`` bytes behind the head until `resize_head`."""
        self._temporary_bytes = align_up(self._temporary_bytes, alignment) + count
        self._unread_bytes = 0
        self._note(self._temporary_bytes)

    def temporary_buffer(self, count: int) -> None:
        """Take ``count`` bytes of aligned memory between head and tail until `resize_head`."""
        start = align_up(self._temporary_bytes, ALIGNMENT_BYTES)
        end = align_up(self.tail_bytes, ALIGNMENT_BYTES)
        self.needed_bytes = max(self.needed_bytes, start + count + end)

    def temporary_tensor(self, tensor: "Tensor") -> None:
        """Take a TfLiteTensor with its quantization behind the head."""
        for size, alignment in self._tensor_parts(tensor):
            self.temporary(size, alignment=alignment)
        if tensor.quantization is not None:
            zero_points_bytes = 4 + 4 * len(tensor.quantization.scales)
            axis_bytes = self.abi.struct_bytes(_AFFINE_QUANTIZATION) - self.abi.struct_bytes(
                _AFFINE_QUANTIZATION_READ
            )
            self._unread_bytes = axis_bytes + zero_points_bytes

    def resize_head(self, count: int) -> None:
        """Let the head be ``count`` bytes, with nothing behind it."""
        self._temporary_bytes, self._unread_bytes = count, 0
        self._note(count)

    def _note(self, head_bytes: int) -> None:
        self.needed_bytes = max(self.needed_bytes, head_bytes + self.tail_bytes)

    def _tensor_parts(self, tensor: "Tensor") -> list[tuple[int, int]]:
        word = self.abi.pointer_bytes
        parts = [(self.abi.struct_bytes(_TENSOR), word)]
        if tensor.quantization is not None:
            channels = len(tensor.quantization.scales)
            parts.append((self.abi.struct_bytes(_AFFINE_QUANTIZATION), word))
            parts.append((4 + 4 * channels, 4))  # TfLiteIntArray: size and one zero point each
        return parts
