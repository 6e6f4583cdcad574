"""What the schema knows by number, and files that count further than it does."""

from importlib.metadata import version
from typing import TYPE_CHECKING

from ai_edge_litert import schema_py_generated as schema

from edgekit.model.soundness import UnsoundError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


def _names(enumeration: type) -> "Mapping[int, str]":
    return {value: name for name, value in vars(enumeration).items() if isinstance(value, int)}


OPERATORS = _names(schema.BuiltinOperator)
"""The name of each builtin operator, by its code."""

TYPES = {number: name.lower() for number, name in _names(schema.TensorType).items()}
"""The name of each type of tensor in small letters, by its number."""

_OPTIONS = _names(schema.BuiltinOptions)
_OPTIONS_2 = _names(schema.BuiltinOptions2)


class NewerError(ValueError):
    """A file with something that a later schema has; the message says what."""

    hint = "take the newest schema: pip install --upgrade ai-edge-litert"


def builtin_code(code: schema.OperatorCodeT) -> int:
    """Return the code of a builtin operator.

    Converters before TF 2.4 knew the old field alone, which holds codes up to 127.
    """
    return int(max(code.builtinCode, code.deprecatedBuiltinCode))


def check_known(model: schema.ModelT) -> None:
    """Refuse a file with operators, types or options that the schema does not know.

    Raises:
        NewerError: A number above those of the schema.
        UnsoundError: A number below them.
    """
    for index, code in enumerate(model.operatorCodes or ()):
        _check(builtin_code(code), OPERATORS, f"operator code {index}", "operators")
    for graph in model.subgraphs or ():
        for index, tensor in enumerate(graph.tensors or ()):
            _check(int(tensor.type), TYPES, f"tensor {index}", "types")
        for index, operator in enumerate(graph.operators or ()):
            where = f"the options of operator {index}"
            _check(int(operator.builtinOptionsType), _OPTIONS, where, "options")
            _check(int(operator.builtinOptions2Type), _OPTIONS_2, where, "second options")


def _check(number: int, known: "Mapping[int, str]", where: str, what: str) -> None:
    if number in known:
        return
    if number < 0:
        raise UnsoundError(f"{where} has the number {number}")
    raise NewerError(
        f"{where} has the number {number}, newer than the schema that edgekit knows: "
        f"ai-edge-litert {version('ai-edge-litert')} has {what} up to {max(known)}"
    )


def check_places(model: schema.ModelT) -> None:
    """Refuse a file whose tables name buffers or operator codes that are not there.

    Raises:
        UnsoundError: A number points behind the last of them.
    """
    buffers, codes = len(model.buffers or ()), len(model.operatorCodes or ())
    for where, index in _buffers_named(model):
        if not 0 <= index < buffers:
            raise UnsoundError(f"{where} has buffer {index} of {buffers}")
    for graph in model.subgraphs or ():
        for place, operator in enumerate(graph.operators or ()):
            if operator.opcodeIndex >= codes:
                raise UnsoundError(f"operator {place} has code {operator.opcodeIndex} of {codes}")


def _buffers_named(model: schema.ModelT) -> "Iterator[tuple[str, int]]":
    for graph in model.subgraphs or ():
        for index, tensor in enumerate(graph.tensors or ()):
            yield f"tensor {index}", int(tensor.buffer)
    for item in model.metadata or ():
        yield "a block of metadata", int(item.buffer)
    legacy: Sequence[int] = () if model.metadataBuffer is None else model.metadataBuffer
    for index in legacy:
        yield "a block of metadata", int(index)
