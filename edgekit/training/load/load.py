"""Read the user's model, whatever Keras wrote it, as a tf_keras model in a file."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from edgekit.errors import UnsupportedModelError
from edgekit.files.source import source_kind
from edgekit.model.single_output import check_one_output
from edgekit.training._tensorflow import Model, Module, Tensors, tensorflow
from edgekit.training.files import save_model
from edgekit.training.functional_model import (
    node_inputs,
    node_layer,
    node_outputs,
    nodes,
    require_functional,
)
from edgekit.training.load.bridge import bridge
from edgekit.training.load.reading import Read, Source, read, unreadable
from edgekit.training.outputs import ONE_OUTPUT, check_keras_output

if TYPE_CHECKING:
    from pathlib import Path

    from edgekit.runtimes.process import Progress

FILE_NAME = "model.h5"
_FILE_SECONDS = 600.0


_HANDING_ON = frozenset({"Cropping1D", "Flatten", "Permute", "RepeatVector", "Reshape"})
"""Layers whose outputs hold the values of their inputs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadedModel:
    """The user's model, ready for the stages.

    Args:
        kind: ``"keras"``: rebuilt in tf_keras. ``"kept"``: a Keras 3 model, as
            `edgekit.training.keras.keep.keep` writes it; it can only be converted.
            ``"saved_model"``: a SavedModel without Keras's own records; the same.
        framework: What the model came from.
        input_shape: Without the batch.
        output_shape: Without the batch.
        parameters: The number of weights; 0 where the file does not say.
        layers: The number of layers; 0 where the file does not say.
        loss: The loss that it was compiled with, as `edgekit.training.loss.written`; empty: none.
        ids: How many ids its input can hold: of the smallest embedding that reads it; None: no ids.
        notes: What a user should know.
    """

    kind: Literal["keras", "kept", "saved_model"]
    framework: Literal["keras3", "tf_keras", "saved_model"]
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    parameters: int
    layers: int
    loss: str
    ids: int | None = None
    notes: tuple[str, ...] = ()


def patience_seconds(source: str, directory: "Path") -> float | None:
    """Return how long `load` may be silent: a damaged file can be read without an end.

    A function of the user's own may take as long as it likes: None.
    """
    return None if source_kind(source, directory) == "function" else _FILE_SECONDS


def load(
    progress: "Progress",
    source: str,
    *,
    directory: "Path",
    out: "Path",
    seed: int = 0,
    trusted: bool = False,
    modules: tuple[str, ...] = (),
) -> LoadedModel:
    """Read the model ``source`` and write it to ``out`` as tf_keras's ``model.h5``.

    Args:
        progress: Told what goes on.
        source: As `edgekit.training.load.reading.Source`.
        directory: The same.
        out: A folder, made if it is not there.
        seed: As ``directory``.
        trusted: The same.
        modules: The same.

    Raises:
        InputError: No such file, or not a Keras model.
        UnsupportedModelError: A layer that cannot be bridged, code in the file (Lambda), a
            subclassed model, several inputs or outputs, or an input without a fixed shape.
    """
    progress(0, 2, f"reading {source}")
    found = Source(source=source, directory=directory, seed=seed, trusted=trusted, modules=modules)
    given = read(found)
    if given is None:
        return saved_model(found.path)
    progress(1, 2, "bridging Keras 3 to tf_keras" if given.is_keras3 else "rebuilding")
    return rebuilt(given, out)


def rebuilt(given: Read, out: "Path") -> LoadedModel:
    """Write a model that was read to ``out`` as tf_keras's ``model.h5``; see `load`.

    Raises:
        UnsupportedModelError: As `load`.
    """
    require_functional(given.model)
    rebuild = given.is_keras3 or _has_nested(given.model)
    model = bridge(given.model) if rebuild else given.model
    check_shapes(model)
    save_model(model, out / FILE_NAME)
    return loaded(model, kind="keras", given=given)


def loaded(model: Model, *, kind: Literal["keras", "kept"], given: Read) -> LoadedModel:
    """Return what the stages are told of ``model``, which was made of ``given``."""
    return LoadedModel(
        kind=kind,
        framework="keras3" if given.is_keras3 else "tf_keras",
        input_shape=tuple(model.inputs[0].shape[1:]),
        output_shape=tuple(model.outputs[0].shape[1:]),
        parameters=int(model.count_params()),
        layers=len(model.layers),
        loss=given.loss,
        ids=_ids(model, model.inputs),
    )


def check_shapes(model: Model) -> None:
    """Refuse a Keras model that the stages cannot feed.

    Raises:
        UnsupportedModelError: It has several inputs or outputs, or an input of an open size.
    """
    _check_inputs(len(model.inputs))
    check_keras_output(model)
    _fixed(model.inputs[0].shape, model.name)


def saved_model(path: "Path") -> LoadedModel:
    """Return a SavedModel that is no Keras model: post-training quantization alone takes it.

    Raises:
        UnsupportedModelError: TensorFlow cannot read it, or its shapes do not fit the stages.
    """
    try:
        found = tensorflow().saved_model.load(str(path))
    except Exception as error:  # TensorFlow documents no type
        raise unreadable(path, error) from error
    signature = serving_signature(found, path)
    (given,) = signature.structured_input_signature[1].values()
    (result,) = signature.structured_outputs.values()
    return LoadedModel(
        kind="saved_model",
        framework="saved_model",
        input_shape=_fixed(given.shape, path),
        output_shape=tuple(int(size or 0) for size in result.shape[1:]),
        parameters=sum(int(item.shape.num_elements()) for item in found.variables)
        if hasattr(found, "variables")
        else 0,
        layers=0,
        loss="",
        notes=("the SavedModel has no Keras layers: it can be quantized, not pruned or trained",),
    )


def serving_signature(loaded: Module, path: "Path") -> Tensors:
    """Return the function that a SavedModel serves, with one input and one output.

    Raises:
        UnsupportedModelError: It serves none, or one with several inputs or outputs.
    """
    signature = loaded.signatures.get("serving_default")
    if signature is None:
        known = ", ".join(loaded.signatures) or "none"
        raise UnsupportedModelError(f"{path}: has no 'serving_default' signature (it has {known})")
    _check_inputs(len(signature.structured_input_signature[1]))
    served = signature.structured_outputs.items()
    check_one_output([(name, tuple(spec.shape)) for name, spec in served], hint=ONE_OUTPUT)
    return signature


def _ids(model: Model, inputs: Tensors) -> int | None:
    """Return how many ids the ``inputs`` of a model can hold; None where they hold none."""
    given = {id(tensor) for tensor in inputs}
    sizes = []
    for node in nodes(model):
        layer, kind = node_layer(node), type(node_layer(node)).__name__
        taken = node_inputs(node)
        if not taken or id(taken[0]) not in given:
            continue
        if kind == "Embedding":
            sizes.append(int(layer.input_dim))
        elif kind in _HANDING_ON:
            given |= {id(tensor) for tensor in node_outputs(node)}
        elif _is_nested(layer):
            sizes += filter(None, [_ids(layer, layer.inputs)])
    return min(sizes, default=None)


def _check_inputs(count: int) -> None:
    if count != 1:
        raise UnsupportedModelError(f"the model has {count} inputs; edgekit builds models with one")


def _fixed(shape: Tensors, where: object) -> tuple[int, ...]:
    sizes = tuple(shape)[1:]
    if any(size is None for size in sizes):
        raise UnsupportedModelError(
            f"{where}: the input has no fixed shape {sizes}",
            hint="build the model with every size of its input given",
        )
    return tuple(int(size) for size in sizes)


def _has_nested(model: Model) -> bool:
    return any(_is_nested(layer) for layer in model.layers)


def _is_nested(layer: Model) -> bool:
    return hasattr(layer, "layers") and hasattr(layer, "inputs")
