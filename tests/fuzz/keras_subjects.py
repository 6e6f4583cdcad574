"""The takers of Keras's files: what is read of them before Keras is."""

import io
import json
import zipfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import h5py
import numpy as np
from byte_mutations import damaged_bytes, damaged_tree
from subjects import Subject

from edgekit.runtimes.process import Bounds, Worker, silent
from edgekit.training.load.foreign_code import refuse_code, refuse_operations
from edgekit.training.load.foreign_files import h5_description, keras_description, keras_records

if TYPE_CHECKING:
    import random

    from edgekit.runtimes.process import Progress
    from edgekit.training._tensorflow import Config


def _layer(kind: str, name: str, **config: object) -> dict[str, object]:
    return {
        "module": "keras.layers",
        "class_name": kind,
        "config": {
            "name": name,
            "dtype": {"module": "keras", "class_name": "DTypePolicy"},
            **config,
        },
        "registered_name": None,
        "inbound_nodes": [[["input", 0, 0, {}]]],
    }


_CONFIG = {
    "module": "keras.src.models.functional",
    "class_name": "Functional",
    "config": {
        "name": "net",
        "layers": [
            _layer("InputLayer", "input", batch_shape=[None, 4]),
            _layer("Dense", "dense", units=3, activation="relu", use_bias=True),
            _layer("Activation", "act", activation={"class_name": "function", "config": "tanh"}),
            _layer("TFOpLambda", "tf.math.add", function="math.add"),
        ],
    },
    "registered_name": "Functional",
}


@cache
def _archives() -> tuple[bytes, ...]:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", json.dumps({**_CONFIG, "compile_config": {"loss": "mse"}}))
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.15.0"}))
        archive.writestr("model.weights.h5", _h5_files()[0])
    return (stream.getvalue(),)


@cache
def _h5_files() -> tuple[bytes, ...]:
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file.attrs["model_config"] = json.dumps(_CONFIG)
        file.attrs["training_config"] = json.dumps({"loss": "mse"})
        group = file.create_group("model_weights/dense")
        group["kernel"] = np.ones((4, 3), np.float32)
        group["bias"] = np.zeros(3, np.float32)
    return (stream.getvalue(),)


@cache
def _records() -> tuple[bytes, ...]:
    """Return a ``SavedMetadata`` of two objects, as protocol buffers write it."""
    objects = b""
    for item in _CONFIG["config"]["layers"][:2]:  # type: ignore[index]
        text = json.dumps(item).encode()
        held = b"\x10\x05" + b"\x1a\x04root" + b"\x2a" + _length(text) + text
        objects += b"\x0a" + _length(held) + held
    return (objects,)


def _length(content: bytes) -> bytes:
    return bytes([len(content) & 0x7F | 0x80, len(content) >> 7])


def _take_archive(content: bytes, folder: Path) -> None:
    (folder / "net.keras").write_bytes(content)
    refuse_code(keras_description(folder / "net.keras").config, folder)


def _take_h5(content: bytes, folder: Path) -> None:
    """Read it as a build does, in a process of its own: HDF5 does not end on all damaged files."""
    (folder / "net.h5").write_bytes(content)
    reader = _reader()
    if not reader.is_alive:
        _reader.cache_clear()
        reader = _reader()
    refuse_code(reader.call(_describe, silent, folder / "net.h5"), folder)


def _describe(progress: "Progress", path: Path) -> "Config":
    del progress
    return h5_description(path).config


@cache
def _reader() -> Worker:
    here = Path(__file__).parent
    return Worker("the reader", search=(here, here.parent), bounds=Bounds(silence_seconds=3.0))


def _take_records(content: bytes, folder: Path) -> None:
    (folder / "keras_metadata.pb").write_bytes(content)
    for record in keras_records(folder / "keras_metadata.pb"):
        refuse_code(record, folder)
    refuse_operations(content, folder)


def _damaged_archive(content: bytes, chance: "random.Random") -> bytes:
    if chance.random() < 0.4:
        return damaged_bytes(content, chance)
    config = damaged_tree(_CONFIG, chance)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(chance.choice(("config.json", "config.json", "../x")), json.dumps(config))
        archive.writestr("metadata.json", json.dumps(damaged_tree({"keras_version": "2"}, chance)))
    return stream.getvalue()


KERAS = (
    Subject(
        name=".keras, before Keras", seeds=_archives, damage=_damaged_archive, take=_take_archive
    ),
    Subject(
        name=".h5, before Keras",
        seeds=_h5_files,
        damage=damaged_bytes,
        take=_take_h5,
        starts_processes=True,
    ),
    Subject(name="keras_metadata.pb", seeds=_records, damage=damaged_bytes, take=_take_records),
)
