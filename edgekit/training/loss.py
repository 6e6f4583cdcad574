"""The loss that a model is trained with: its own, the project's, or one that fits its labels."""

import inspect
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit.errors import InputError, UnsupportedModelError, suggestion
from edgekit.files.source import is_function
from edgekit.project import user_function
from edgekit.training._tensorflow import Config, Model, tf_keras

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from edgekit.data.samples import Dataset

    Array = npt.NDArray[np.generic]


@dataclass(frozen=True, kw_only=True, slots=True)
class Objective:
    """What training brings down.

    Args:
        loss: A tf_keras loss or a function.
        targets: What is wanted of each sample, in the form that the loss takes.
        metrics: Names of Keras metrics.
        note: Where the loss comes from, in words.
    """

    loss: Any
    targets: "Array"
    metrics: tuple[str, ...]
    note: str


def objective(wish: str, *, model: Model, dataset: "Dataset", directory: "Path") -> Objective:
    """Return what to train ``model`` for.

    Without targets the model is trained to give what it gives now: the knowledge that is in it
    is kept while its weights are pruned or rounded.

    Args:
        wish: A Keras loss by name, ``module:function``, a loss that Keras wrote as JSON (see
            `written`), or empty: one is chosen that fits the targets.
        model: A tf_keras model.
        dataset: Its training samples count, and whether they have labels.
        directory: Where the user's modules are found.

    Raises:
        InputError: No such loss.
    """
    targets = dataset.y_train
    if targets is None:
        return Objective(
            loss=tf_keras().losses.MeanSquaredError(),
            targets=model.predict(dataset.x_train, batch_size=256, verbose=0),
            metrics=(),
            note="no labels: trained to keep the model's own outputs (mean squared error)",
        )
    loss = _named(wish, directory) if wish else _fitting(model, dataset)
    name = _name(loss)
    source = "given" if wish else "chosen to fit the labels and the last layer"
    logits = " from logits" if getattr(loss, "from_logits", False) or _has_logits(loss) else ""
    return Objective(
        loss=loss,
        # A loss of the user's own takes the labels as the data give them.
        targets=targets if is_function(wish) else _shaped(targets, name, model),
        metrics=("accuracy",) if dataset.are_classes else (),
        note=f"loss: {name}{logits}, {source}",
    )


def written(loss: object) -> str:
    """Return the loss of a compiled model as text for `objective`; empty where there is none."""
    if loss is None or isinstance(loss, str):
        return loss or ""
    if isinstance(loss, dict) and "class_name" in loss:
        return _written_config(loss)
    if hasattr(loss, "get_config"):
        return json.dumps({"class_name": type(loss).__name__, "config": _plain(loss.get_config())})
    if callable(loss) and hasattr(loss, "__name__"):
        name = getattr(loss, "__qualname__", loss.__name__)
        library = str(loss.__module__).partition(".")[0] in {"keras", "tf_keras"}
        return loss.__name__ if library else f"{loss.__module__}:{name}"
    if isinstance(loss, (list, tuple)) and len(loss) == 1:
        return written(loss[0])
    if isinstance(loss, (list, tuple, dict)):
        return ""  # several losses are of several outputs, and those are refused by their count
    raise UnsupportedModelError(
        f"the model is compiled with {loss!r}, which is not one loss",
        hint="name one loss in [train] loss",
    )


def _written_config(loss: dict[str, Any]) -> str:
    config = loss.get("config")
    if isinstance(config, str):  # Keras 3's form of a function
        return config
    return json.dumps({"class_name": loss["class_name"], "config": _plain(config or {})})


def _plain(config: dict[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in config.items() if isinstance(item, (str, int, float, bool))}


def _named(wish: str, directory: "Path") -> Any:  # noqa: ANN401  a loss of Keras or a function
    if wish.startswith("{"):
        return _from_config(json.loads(wish))
    if "<" in wish:  # the name that Python gives a lambda or a function inside another
        raise InputError(
            f"the model is compiled with the local function '{wish}'",
            hint="define it at the top of a module, or name a loss in [train] loss",
        )
    if is_function(wish):
        return user_function.find(wish, directory, what="the loss")
    try:
        return tf_keras().losses.get(wish)
    except ValueError as error:
        raise InputError(
            f"no loss is called '{wish}'", hint=suggestion(wish, _known_names())
        ) from error


def _known_names() -> list[str]:
    losses = tf_keras().losses
    return [name for name in dir(losses) if name.islower() and callable(getattr(losses, name))]


def _from_config(written_loss: Config) -> Any:  # noqa: ANN401  a loss of Keras
    name, config = written_loss["class_name"], written_loss["config"]
    cls = getattr(tf_keras().losses, name, None)
    if not (isinstance(cls, type) and issubclass(cls, tf_keras().losses.Loss)):
        raise UnsupportedModelError(
            f"the model is compiled with the loss '{name}', which tf_keras does not have",
            hint="name a loss in [train] loss, or give yours as module:function",
        )
    known = inspect.signature(cls).parameters
    kept = {key: item for key, item in config.items() if key in known and key != "reduction"}
    return cls(**kept)


def _fitting(model: Model, dataset: "Dataset") -> Any:  # noqa: ANN401  a loss of Keras
    losses = tf_keras().losses
    outputs = int(np.prod(model.output_shape[1:]))
    activation = last_activation(model)
    assert dataset.y_train is not None
    if not dataset.are_classes:
        # rows that share one out among the outputs are trained as classes are
        shares = outputs > 1 and activation == "softmax"
        return losses.CategoricalCrossentropy() if shares else losses.MeanSquaredError()
    if activation == "sigmoid" or (outputs == 1 and activation == "linear"):
        return losses.BinaryCrossentropy(from_logits=activation == "linear")
    if outputs == 1:
        return losses.MeanSquaredError()
    if dataset.y_train.dtype == np.int64:
        return losses.SparseCategoricalCrossentropy(from_logits=activation != "softmax")
    return losses.CategoricalCrossentropy(from_logits=activation != "softmax")


def last_activation(model: Model) -> str:
    """Return the name of the function that gives the outputs of ``model``."""
    layer = model.layers[-1]
    kind = type(layer).__name__
    if kind in {"Softmax", "ReLU"}:
        return kind.lower()
    if kind in {"Flatten", "Reshape"} and len(model.layers) > 1:
        layer = model.layers[-2]
    return getattr(getattr(layer, "activation", None), "__name__", "linear")


def _name(loss: Any) -> str:  # noqa: ANN401  a loss of Keras or a function
    name = getattr(loss, "name", None) or getattr(loss, "__name__", type(loss).__name__)
    return str(name).lower()


def _has_logits(loss: Any) -> bool:  # noqa: ANN401  a loss of Keras or a function
    keywords = getattr(loss, "_fn_kwargs", {})
    return bool(keywords.get("from_logits", False))


def _shaped(targets: "Array", name: str, model: Model) -> "Array":
    """Return ``targets`` as the loss called ``name`` takes them: numbers, rows or columns."""
    outputs = int(model.output_shape[-1])
    if "sparse" in name and (targets.ndim == 1 or targets.shape[-1] == 1):
        if targets.dtype != np.int64:
            raise InputError(
                f"the loss {name} takes classes, and the labels are numbers",
                hint='set [train] loss = "mean_squared_error", or number the classes from 0',
            )
    elif "sparse" in name:
        return np.asarray(targets.argmax(axis=-1))
    if "sparse" not in name and targets.dtype == np.int64:
        if outputs > 1:
            return np.asarray(np.eye(outputs, dtype=np.float32)[targets])
        return np.asarray(targets, np.float32).reshape(-1, 1)
    return targets
