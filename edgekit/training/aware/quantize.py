"""Quantization-aware training that keeps the zeros of pruning (PQAT)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgekit.errors import ToolError, UnsupportedModelError
from edgekit.training._tensorflow import Layer, Model, seed_everything, tf_keras, tfmot
from edgekit.training.aware.coarse_weights import settle, train_low_bits
from edgekit.training.aware.ranges import set_ranges, set_statistics, widen_empty_channels
from edgekit.training.files import read_model, save_for_conversion
from edgekit.training.fit import Epoch, dataset_of, fit, objective_of
from edgekit.training.functional_model import node_inputs, node_layer, nodes
from edgekit.training.kernels import kernels, zeros_in
from edgekit.training.load.affine import is_tfmots_pair
from edgekit.training.load.lower import lower, unroll
from edgekit.training.pruning.magnitude import KeepZeros

if TYPE_CHECKING:
    from pathlib import Path

    from edgekit.runtimes.process import Progress
    from edgekit.specs import QuantizeSpec
    from edgekit.training.context import TrainingContext

_FINE_TUNING = 0.1  # share of the learning rate: rounding is learned in small steps
_COARSE_BITS = 2  # from which on weights have far to go to their next value: they take whole ones
_BITS = 8  # of tfmot's own quantizers
_STATISTICS_SAMPLES = 512  # means of them err by a twentieth of a spread


@dataclass(frozen=True, kw_only=True, slots=True)
class Quantized:
    """A model trained with its rounding in mind.

    Args:
        sparsity: Fraction of exact zeros over all prunable kernels.
        annotated: Names of the layers trained so.
        left: Names of the layers left to post-training quantization, with the reason.
        history: One entry an epoch.
        notes: What a user should know.
    """

    sparsity: float
    annotated: tuple[str, ...]
    left: tuple[str, ...]
    history: tuple[Epoch, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class AnnotatedModel:
    """A quantization-aware model, and the names of the layers inside and outside of it."""

    model: Model
    annotated: tuple[str, ...]
    left: tuple[str, ...]


def quantize_aware(
    progress: "Progress",
    model: "Path",
    *,
    spec: "QuantizeSpec",
    context: "TrainingContext",
    out: "Path",
) -> Quantized:
    """Train the model in the file ``model`` with its rounding, and write it to ``out``.

    Args:
        progress: Told the steps done.
        model: An ``.h5`` file of an earlier stage; kernels that were pruned keep their zeros.
        spec: Epochs, and the bits of the weights.
        context: What the project asks of every training, and where its samples are.
        out: A SavedModel folder.

    Raises:
        UnsupportedModelError: tfmot can take no layer of the model.
        ToolError: Zeros were lost.
    """
    seed_everything(context.seed)
    network = read_model(model)
    dataset = dataset_of(network, context)
    zeros = zeros_in(kernels(network, depthwise=True))
    lowered = lower(unroll(network))
    twin = aware_model(lowered.model)
    aware = twin.model
    train_low_bits(aware, spec)
    set_ranges(aware, dataset.x_calibration)
    done = fit(
        aware,
        dataset.x_train,
        objective_of(context, network, dataset),
        epochs=spec.epochs,
        learning_rate=_share(spec) * context.train.learning_rate,
        batch_size=context.train.batch_size,
        progress=progress,
        callbacks=[KeepZeros()],
    )
    if spec.weight_bits < _BITS:
        settle(aware)
        set_statistics(aware, dataset.x_train[:_STATISTICS_SAMPLES], batch_size=_STATISTICS_SAMPLES)
        set_ranges(aware, dataset.x_calibration)
    widen_empty_channels(aware)
    kept = zeros_in(kernels(aware, depthwise=True))
    if kept.zeros < zeros.zeros:
        raise ToolError(
            f"quantization-aware training lost zeros: {zeros.zeros} before, {kept.zeros} after"
        )
    save_for_conversion(aware, out)
    notes = (
        *(f"for quantization-aware training {change}" for change in lowered.changes),
        *(f"left to post-training quantization: {item}" for item in twin.left),
    )
    return Quantized(
        sparsity=zeros_in(kernels(aware)).fraction,
        annotated=twin.annotated,
        left=twin.left,
        history=done.history,
        notes=(done.note, *notes),
    )


def _share(spec: "QuantizeSpec") -> float:
    return 1.0 if spec.weight_bits <= _COARSE_BITS else _FINE_TUNING


def aware_model(model: Model) -> AnnotatedModel:
    """Return a copy of ``model`` that rounds as its integer form will.

    Raises:
        UnsupportedModelError: tfmot can take no layer of the model.
    """
    quantization = tfmot().quantization.keras
    taken = supported(model)
    if not taken:
        raise UnsupportedModelError(
            "no layer of the model can be trained with quantization in mind",
            hint='set [quantize] method = "ptq"',
        )
    copy = tf_keras().models.clone_model(
        model,
        clone_function=lambda layer: (
            quantization.quantize_annotate_layer(_clone(layer)) if layer.name in taken else layer
        ),
    )
    copy.set_weights(model.get_weights())
    with quantization.quantize_scope():
        aware = quantization.quantize_apply(copy, _scheme())
    _freeze_as_inside(aware)
    left = tuple(
        f"{layer.name} ({type(layer).__name__})"
        for layer in model.layers
        if layer.name not in taken and type(layer).__name__ != "InputLayer"
    )
    return AnnotatedModel(model=aware, annotated=tuple(sorted(taken)), left=left)


def _freeze_as_inside(aware: Model) -> None:
    """Take the kernels of frozen layers out of what is trained: their wrappers train them all."""
    for wrapper in aware.layers:
        if getattr(wrapper, "layer", wrapper).trainable:
            continue
        wrapper.trainable = False
        held = wrapper._trainable_weights  # noqa: SLF001  tfmot has no public way
        wrapper._non_trainable_weights += held  # noqa: SLF001
        wrapper._trainable_weights = []  # noqa: SLF001


def _clone(layer: Layer) -> Layer:
    return type(layer).from_config(layer.get_config())


def _scheme() -> object:
    from tensorflow_model_optimization.python.core.quantization.keras.default_8bit import (
        default_8bit_quantize_scheme,
    )

    return default_8bit_quantize_scheme.Default8BitQuantizeScheme()


def supported(model: Model) -> frozenset[str]:
    """Return the names of the layers that tfmot can train with quantization in mind."""
    from tensorflow_model_optimization.python.core.quantization.keras.default_8bit import (
        default_8bit_quantize_registry,
    )

    registry = default_8bit_quantize_registry.Default8BitQuantizeRegistry()
    names = {layer.name for layer in model.layers if registry.supports(layer)}
    for node in nodes(model):
        layer = node_layer(node)
        if type(layer).__name__ == "BatchNormalization":
            (source,) = (item._keras_history.layer for item in node_inputs(node))  # noqa: SLF001
            if is_tfmots_pair(source, layer) and len(source.outbound_nodes) == 1:
                names.add(layer.name)
    return frozenset(names)
