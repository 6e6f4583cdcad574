"""Post-training quantization of a float `.tflite` by litert-quantizer, without TensorFlow.

Such files come from PyTorch through litert-torch, and from ONNX through onnx2tf.
"""

from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgekit.errors import MissingDependencyError, ToolError, UnsupportedModelError
from edgekit.model.edit import compact, with_main
from edgekit.model.integer import float_tensors, require_integer
from edgekit.model.reader import read
from edgekit.model.values import Operator, Signature
from edgekit.model.writer import write
from edgekit.specs import INTEGER_SCHEMES

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt
    from litert_quantizer.recipe_manager import RecipeManager

    from edgekit.model.values import Model
    from edgekit.numerics.ranges import Range
    from edgekit.runtimes.process import Progress
    from edgekit.specs import Converted, IoType

_KEY = "serving_default"
_INPUT = "input"


def quantize_float_file(
    progress: "Progress",
    content: bytes,
    calibration: "npt.NDArray[np.float32]",
    *,
    scheme: "Converted" = "int8",
    io: "IoType" = "int8",
    ranges: "Mapping[str, Range] | None" = None,
) -> bytes:
    """Return the float model in ``content`` quantized; integer schemes leave nothing float.

    Args:
        progress: Told what goes on.
        content: What `prepared` returned.
        calibration: Samples as the model takes them, shape ``(samples, *input shape without the
            batch)``; the least and greatest values they lead to set the ranges of activations.
        scheme: As `edgekit.specs.QuantizeSpec.scheme`.
        io: As `edgekit.specs.QuantizeSpec.io`.
        ranges: Of activations by name, instead of the least and greatest values.

    Raises:
        MissingDependencyError: litert-quantizer is not installed.
        UnsupportedModelError: Operators are left in floating point; the message names them.
        ToolError: litert-quantizer failed.
    """
    check_installed()
    progress(0, 2, "calibrating")
    try:
        quantized = read(_quantized(content, calibration, scheme, io, ranges or {}))
    except Exception as error:  # litert-quantizer documents no type
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise ToolError(f"litert-quantizer failed: {reason[0][:300]}") from error
    progress(1, 2, "checking")
    if scheme in INTEGER_SCHEMES:
        require_integer(quantized, io=io)
        if io == "uint8" and scheme == "int8":
            quantized = _with_uint8_border(quantized)
    return write(compact(quantized))


def check_installed() -> None:
    """Refuse where litert-quantizer is not installed.

    Raises:
        MissingDependencyError: It is not.
    """
    if find_spec("litert_quantizer") is None:
        raise MissingDependencyError(
            "a float .tflite is quantized by litert-quantizer, which is not installed",
            hint='pip install "edgekit[quantizer]"',
        )


def prepared(content: bytes, *, name: str = "the model") -> bytes:
    """Return the float model in ``content`` as the quantizer and LiteRT need it.

    A batch that is not fixed becomes 1, and a signature is added where there is none.

    Args:
        content: A whole `.tflite` file.
        name: Of the file, for messages.

    Raises:
        InputError: Not a `.tflite` file, or a damaged one.
        UnsupportedModelError: No float model of one input and a batch of 1.
    """
    model = read(content, name=name)
    check_float(model, name=name)
    graph = model.main
    tensors = tuple(replace(item, shape_signature=None) for item in graph.tensors)
    signature = Signature(
        key=_KEY,
        graph=0,
        inputs=((_INPUT, graph.inputs[0]),),
        outputs=tuple((f"output_{place}", index) for place, index in enumerate(graph.outputs)),
    )
    static = with_main(model, replace(graph, tensors=tensors))
    return write(replace(static, signatures=(signature,)))


def check_float(model: "Model", *, name: str) -> None:
    """Refuse a model that is not a float model of one input and a batch of 1.

    Args:
        model: As read from the file.
        name: Of the file, for messages.

    Raises:
        UnsupportedModelError: It is not.
    """
    graph = model.main
    if _is_quantized(model):
        kinds = sorted({item.dtype for item in graph.tensors if item.quantization is not None})
        raise UnsupportedModelError(
            f"{name}: the model is quantized already (it holds {', '.join(kinds) or 'float16'})",
            hint=_instead(model, name),
        )
    if len(graph.inputs) != 1 or len(model.graphs) != 1:
        raise UnsupportedModelError(
            f"{name}: the model has {len(graph.inputs)} inputs and {len(model.graphs)} graphs, "
            "where one of each can be calibrated",
            hint="give a model with one input, such as one that takes them joined",
        )
    tensor = graph.tensors[graph.inputs[0]]
    if tensor.dtype != "float32":
        raise UnsupportedModelError(
            f"{name}: the model's input is {tensor.dtype}, where float32 is needed",
            hint="put the conversion of its input in front of the model",
        )
    if tensor.shape[:1] != (1,):
        raise UnsupportedModelError(
            f"{name}: the model's input has the shape {tensor.shape}, where a batch of 1 is needed",
            hint="export the model with a batch of 1",
        )


def _instead(model: "Model", name: str) -> str:
    hint = "give the float .tflite that it was made from"
    if float_tensors(model):
        return hint
    return f"{hint}; where this one runs says: edgekit check {name} --target T"


def _is_quantized(model: "Model") -> bool:
    """Return whether integers stand for real numbers anywhere in ``model``."""
    return any(
        item.quantization is not None and item.dtype != "float32"
        for graph in model.graphs
        for item in graph.tensors
    ) or any(item.op == "DEQUANTIZE" for graph in model.graphs for item in graph.operators)


def _quantized(
    content: bytes,
    calibration: "npt.NDArray[np.float32]",
    scheme: "Converted",
    io: "IoType",
    ranges: "Mapping[str, Range]",
) -> bytes:
    from litert_quantizer.calibrator import CalibrationMode, Calibrator
    from litert_quantizer.quantizer import Quantizer
    from litert_quantizer.utils.qsv_utils import min_max_update

    recipe = _recipe(scheme, io)
    statistics = None
    if scheme in INTEGER_SCHEMES:
        # Least and greatest over all samples: the default, a moving average, forgets.
        calibrator = Calibrator(
            content,
            num_threads=1,
            mode=CalibrationMode.CALIBRATION_PRESERVE_ALL_TENSORS,
            qsv_update_func=min_max_update,
        )
        samples = [{_INPUT: sample[np.newaxis]} for sample in calibration]
        calibrator.calibrate({_KEY: samples}, recipe)
        statistics = calibrator.get_model_qsvs()
        for name in statistics.keys() & ranges.keys():
            found, ends = statistics[name], ranges[name]
            found["min"] = np.full_like(found["min"], ends.low)
            found["max"] = np.full_like(found["max"], ends.high)
    quantizer = Quantizer(content, recipe.get_quantization_recipe())
    return bytes(quantizer.quantize(statistics).quantized_model)


def _recipe(scheme: "Converted", io: "IoType") -> "RecipeManager":
    from litert_quantizer import qtyping
    from litert_quantizer.algorithm_manager import AlgorithmName
    from litert_quantizer.recipe_manager import RecipeManager

    names = qtyping.TFLOperationName
    recipe = RecipeManager()
    if scheme == "dynamic":
        recipe.add_dynamic_config(".*", names.ALL_SUPPORTED, num_bits=8)
    elif scheme == "float16":
        weights = qtyping.TensorQuantizationConfig(num_bits=16, dtype=qtyping.TensorDataType.FLOAT)
        config = qtyping.OpQuantizationConfig(
            weight_tensor_config=weights,
            compute_precision=qtyping.ComputePrecision.FLOAT,
            explicit_dequantize=True,
        )
        recipe.add_quantization_config(
            ".*", names.ALL_SUPPORTED, config, AlgorithmName.FLOAT_CASTING
        )
    else:
        bits = 16 if scheme == "int16x8" else 8
        recipe.add_static_config(
            ".*", names.ALL_SUPPORTED, activation_num_bits=bits, weight_num_bits=8
        )
        if io == "float32":
            for name in (names.INPUT, names.OUTPUT):
                recipe.add_quantization_config(".*", name, algorithm_key=AlgorithmName.NO_QUANTIZE)
    return recipe


def _with_uint8_border(model: "Model") -> "Model":
    """Return an int8 ``model`` with uint8 inputs and outputs, each behind a QUANTIZE."""
    graph = model.main
    tensors = list(graph.tensors)
    border: dict[int, int] = {}
    for index in (*graph.inputs, *graph.outputs):
        inner = tensors[index]
        made = inner.quantization
        assert made is not None  # `require_integer` has seen to it
        border[index] = len(tensors)
        shifted = replace(made, zero_points=made.zero_points + 128)  # 0 to 255 for -128 to 127
        tensors.append(replace(inner, index=border[index], dtype="uint8", quantization=shifted))
        tensors[index] = replace(inner, name=f"{inner.name}_int8")
    fronts = [_requantize(border[index], index) for index in graph.inputs]
    ends = [_requantize(index, border[index]) for index in graph.outputs]
    changed = replace(
        graph,
        tensors=tuple(tensors),
        operators=(*fronts, *graph.operators, *ends),
        inputs=tuple(border[index] for index in graph.inputs),
        outputs=tuple(border[index] for index in graph.outputs),
    )
    signatures = tuple(
        replace(
            item,
            inputs=tuple((name, border[index]) for name, index in item.inputs),
            outputs=tuple((name, border[index]) for name, index in item.outputs),
        )
        for item in model.signatures
    )
    return replace(with_main(model, changed), signatures=signatures)


def _requantize(source: int, target: int) -> Operator:
    return Operator(
        index=-1,  # `compact` numbers operators
        op="QUANTIZE",
        version=2,
        inputs=(source,),
        outputs=(target,),
        options=schema.QuantizeOptionsT(),
    )
