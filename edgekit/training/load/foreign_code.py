"""Code in the files of strangers: what Keras or TensorFlow would run is found before they read it.

A Keras file names classes and functions; loading imports and calls them. Let pass are the names
of Keras's own, and of TensorFlow's arithmetic. See ``docs/security.md``.
"""

import builtins
import re
from typing import TYPE_CHECKING

from edgekit.errors import UnsupportedModelError

if TYPE_CHECKING:
    from pathlib import Path

    from edgekit.training._tensorflow import Config

OWN_LAYERS = (
    "where it is your project's own, registered in net.py with "
    "keras.saving.register_keras_serializable, set in the project file: "
    '[model] modules = ["net"]; or, to convert alone: --module net'
)
TRUST = "if it is your own, set in the project file: [model] trusted = true"

_CODE_CLASSES = frozenset(
    {"FlaxLayer", "JaxLayer", "Lambda", "TFSMLayer", "TorchModuleWrapper", "__lambda__"}
)
"""Classes whose configuration holds code, or names a file that does."""
_KERAS = re.compile(r"(?:tf_)?keras(?:\.[a-zA-Z_]\w*)*")
_FUNCTIONS = re.compile(
    r".*\.(?:activations|constraints|initializers|losses|metrics|ops|regularizers)(?:\.\w+)?"
)
_TYPES = frozenset({"bool", "dict", "float", "int", "list", "slice", "str", "tuple"})
_RAW = frozenset(
    {"ClassMethod", "InstanceMethod", "InstanceProperty", "SlicingOpLambda", "TFOpLambda"}
)
"""tf_keras's layers around a function of TensorFlow, which they name."""
_ARITHMETIC = frozenset(
    {"__operators__", "bitwise", "dtypes", "image", "linalg", "math", "nn", "quantization"}
    | {"ragged", "random", "signal", "sparse", "strings"}
)
"""Rooms of TensorFlow whose functions only compute."""
_DOING = re.compile(r".*(?:py_func|numpy_function|load_|print|file|custom_gradient|eval|exec).*")
_FILE_OPERATIONS = (
    *("AppendFile", "DeleteFile", "EagerPyFunc", "FixedLengthRecordDataset", "MatchingFiles"),
    *("PyFunc", "PyFuncStateless", "ReadFile", "RenameFile", "TFRecordDataset", "TextLineDataset"),
    *("TFRecordDatasetV2", "FixedLengthRecordDatasetV2", "WriteFile"),
)
"""Operations of a SavedModel's graphs that reach beyond it; restoring its variables does not."""


def refuse_code(config: "Config", path: "Path", modules: tuple[str, ...] = ()) -> None:
    """Let pass a Keras configuration that names nothing but Keras's own and arithmetic.

    Args:
        config: JSON values, of a whole model or of a part.
        path: Of the file, for messages.
        modules: Of the user's own: classes and functions of theirs pass too.

    Raises:
        UnsupportedModelError: It holds code, or names some outside of Keras.
    """
    if isinstance(config, list):
        for item in config:
            refuse_code(item, path, modules)
    elif isinstance(config, dict):
        _check_object(config, path, modules)
        for item in config.values():
            refuse_code(item, path, modules)


def refuse_operations(graph: bytes, path: "Path") -> None:
    """Let pass the content of a ``saved_model.pb`` whose graphs open no file and call no Python.

    Raises:
        UnsupportedModelError: There is such an operation.
    """
    for name in _FILE_OPERATIONS:
        field = b"\x12" + bytes([len(name)]) + name.encode()  # NodeDef.op, field 2 of graph.proto
        if field in graph:
            raise UnsupportedModelError(
                f"{path}: its graph has the operation {name}, which reaches beyond the model",
                hint=f"save it without it; {TRUST}",
            )


def _check_object(config: "Config", path: "Path", modules: tuple[str, ...]) -> None:
    """Refuse one table that stands for an object, by the names in it."""
    if _is_of(config.get("module"), modules) and isinstance(config.get("class_name"), str):
        return  # the user has named the module, and its names are what they wrote
    names = [config.get(key) for key in ("class_name", "registered_name")]
    kinds = {re.split(r"[.>]", name)[-1] for name in names if isinstance(name, str)}
    inner = config.get("config")
    holds_code = kinds & _CODE_CLASSES and not _calls_own(kinds, inner, modules)
    if holds_code or config.get("function_type") == "lambda":
        label = inner.get("name") if isinstance(inner, dict) else None
        raise _code_inside(path, str(label or "Lambda"))
    if "function" in kinds and isinstance(inner, str):
        _check_function(inner, config.get("module"), path, registered=bool(modules))
    elif isinstance(config.get("class_name"), str) and "module" in config:
        _check_class(str(config["class_name"]), config["module"], path)
    if kinds & _RAW and isinstance(inner, dict):
        _check_raw(inner, path)


def _is_of(module: object, modules: tuple[str, ...]) -> bool:
    return isinstance(module, str) and any(
        module == name or module.startswith(f"{name}.") for name in modules
    )


def _calls_own(kinds: set[str], config: "Config", modules: tuple[str, ...]) -> bool:
    """Return whether a Keras 3 Lambda calls a function that ``modules`` register, by its name."""
    called = config.get("function") if isinstance(config, dict) else None
    return (
        bool(modules)
        and kinds == {"Lambda"}
        and isinstance(called, dict)
        and called.get("class_name") == "function"
        and called.get("module") == "builtins"  # Keras's word for: look among the registered
    )


def _check_class(name: str, module: object, path: "Path") -> None:
    if module is None or (isinstance(module, str) and _KERAS.fullmatch(module)):
        if name.isidentifier() or ">" in name:
            return
    elif module == "builtins" and (name in _TYPES or not hasattr(builtins, name)):
        return
    raise UnsupportedModelError(
        f"{path}: layer '{name}' is a custom class that edgekit does not know",
        hint=OWN_LAYERS,
    )


def _check_function(name: str, module: object, path: "Path", *, registered: bool) -> None:
    if module is None or module == "builtins":
        own = name.isidentifier() and not hasattr(builtins, name)
        if ">" in name:  # registered by a module that was imported, or nowhere
            own = registered
    else:
        own = isinstance(module, str) and bool(_KERAS.fullmatch(module))
        own = own and name.isidentifier() and bool(_FUNCTIONS.fullmatch(str(module)))
    if not own:
        raise UnsupportedModelError(
            f"{path}: names the function '{name}' of {module}, which is none of Keras's",
            hint=OWN_LAYERS if ">" in name else f"write it with Keras's own functions; {TRUST}",
        )


def _check_raw(config: "Config", path: "Path") -> None:
    """Refuse a layer around a function of TensorFlow that does more than compute."""
    for key in ("function", "cls_ref", "cls_symbol", "attr_name", "method_name"):
        name = config.get(key)
        if not isinstance(name, str):
            continue
        room, dot, _ = re.sub(r"^(?:tf\.)?(?:compat\.v[12]\.)?", "", name).partition(".")
        if _DOING.fullmatch(name) or (dot and room not in _ARITHMETIC and room != "keras"):
            raise UnsupportedModelError(
                f"{path}: a layer calls TensorFlow's {name}, which is no arithmetic",
                hint=f"write it with Keras layers; {TRUST}",
            )


def _code_inside(path: "Path", name: str) -> UnsupportedModelError:
    return UnsupportedModelError(
        f"{path}: layer '{name}' is a Lambda or the like, whose code edgekit does not run",
        hint=f"write it with Keras layers and save again, or give module:function; {TRUST}",
    )
