"""What each kernel takes from the arena: its data, its temporary tensors and its buffers."""

from typing import TYPE_CHECKING, Any

from edgekit.fit.arena.kernel_data import kernel_data

if TYPE_CHECKING:
    from edgekit.fit.arena.allocator import Allocator
    from edgekit.fit.arena.interpreter import Build
    from edgekit.model.reader import Graph, Operator, Tensor


class _Absent:
    """Options that a file leaves out: the runtimes read zeros."""

    def __getattr__(self, name: str) -> int:
        return 0


_ABSENT = _Absent()


class KernelSetup:
    """One operator while its kernel sets it up: what it knows, and where its requests go.

    Args:
        graph: That the operator is in.
        operator: That is set up.
        build: Of the interpreter.
        arena: That takes what the kernel asks for.
        subgraph: The graph's place in the model.
    """

    def __init__(
        self,
        graph: "Graph",
        operator: "Operator",
        build: "Build",
        arena: "Allocator",
        *,
        subgraph: int,
    ) -> None:
        self.operator = operator
        self.build = build
        self.subgraph = subgraph
        self.scratch: list[int] = []
        self._graph = graph
        self._arena = arena

    @property
    def has_cmsis_nn(self) -> bool:
        """Whether the kernels are CMSIS-NN's."""
        return self.build.kernels == "cmsis-nn"

    @property
    def has_esp_nn(self) -> bool:
        """Whether the kernels are ESP-NN's."""
        return self.build.kernels == "esp-nn"

    @property
    def options(self) -> Any:  # noqa: ANN401  the schema's class for this kind of operator
        """What the file says of the operator: strides, axes and the like."""
        return _ABSENT if self.operator.options is None else self.operator.options

    def input(self, position: int) -> "Tensor":
        """Return the input at ``position``, which the operator has."""
        return self._graph.tensors[self.operator.inputs[position]]

    def output(self, position: int = 0) -> "Tensor":
        """Return the output at ``position``."""
        return self._graph.tensors[self.operator.outputs[position]]

    def initialize(self) -> None:
        """Take the data that the kernel keeps, as its `Init` does."""
        data = kernel_data(self.operator.op, self.build)
        if data is not None:
            self.keep_structure(data)

    def temporaries(self, places: str) -> None:
        """Take temporary tensors: ``"i0 i1 o0"`` are two inputs and an output, in this order.

        Inputs and outputs that the operator has not are passed over, as the kernels do.
        """
        for place in places.split():
            side = self.operator.inputs if place[0] == "i" else self.operator.outputs
            position = int(place[1:])
            if position < len(side) and side[position] != -1:
                self._arena.temporary_tensor(self._graph.tensors[side[position]])

    def all_temporaries(self) -> None:
        """Take temporary tensors for all inputs and outputs."""
        for index in (*self.operator.inputs, *self.operator.outputs):
            if index != -1:
                self._arena.temporary_tensor(self._graph.tensors[index])

    def keep(self, count: int) -> None:
        """Take ``count`` bytes that stay."""
        self._arena.persistent(count)

    def keep_structure(self, fields: str, *, count: int = 1) -> None:
        """Take a kernel's structures that stay; they are aligned as its buffers are."""
        self.keep(count * self._arena.abi.struct_bytes(fields))

    def keep_shape(self) -> None:
        """Take a writable copy of the output's shape."""
        self.keep(4 + 4 * len(self.output().shape))

    def request(self, count: int) -> None:
        """Ask for a buffer of ``count`` bytes while the operator runs; 0 is a request too."""
        self.scratch.append(count)
