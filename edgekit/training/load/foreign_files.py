"""Keras's files before Keras sees them: names, sizes and links inside, and its own records."""

import json
import lzma
import struct
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgekit.errors import InputError
from edgekit.quantity import format_bytes
from edgekit.runtimes.process import machine_memory_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from edgekit.training._tensorflow import Config, Module

DAMAGE = (
    AttributeError,
    EOFError,
    KeyError,
    OSError,
    RecursionError,
    RuntimeError,  # of h5py; an archive with a password
    TypeError,
    ValueError,
    lzma.LZMAError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
"""What the readers of zip, HDF5 and JSON let out on damaged files."""

_LARGEST_CONFIG_BYTES = 64 * 2**20  # of the JSON beside the weights


@dataclass(frozen=True, kw_only=True, slots=True)
class Description:
    """What a Keras file says of its model, before Keras has read it.

    Args:
        config: Of the model, as Keras wrote it.
        loss: That it was compiled with, as Keras wrote it; None without one.
        version: Of the Keras that wrote it; empty where the file does not say.
    """

    config: "Config"
    loss: "Config"
    version: str = ""


def h5_description(path: "Path") -> Description:
    """Return what the ``.h5`` file ``path`` says of its model.

    Raises:
        InputError: A damaged file, one with weights alone, or one that takes them from elsewhere.
    """
    import h5py

    try:
        with h5py.File(path) as file:
            check_h5(file, path)
            config = json.loads(file.attrs.get("model_config", "null"))
            training = json.loads(file.attrs.get("training_config", "null"))
            version = str(file.attrs.get("keras_version", ""))
    except DAMAGE as error:
        raise InputError(f"{path}: damaged .h5 file ({error})") from error
    if config is None:
        raise InputError(
            f"{path}: holds weights only, not a model", hint="save it with model.save(path)"
        )
    return Description(config=config, loss=_loss(training), version=version)


def keras_description(path: "Path") -> Description:
    """Return what the ``.keras`` file ``path`` says of its model.

    Raises:
        InputError: A damaged file, or one with names that lead out of it.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            check_archive(archive, path)
            config = json.loads(archive.read("config.json"))
            version = str(json.loads(archive.read("metadata.json"))["keras_version"])
            training = config.pop("compile_config", None)  # Keras is told not to read it
    except DAMAGE as error:
        raise InputError(
            f"{path}: not a Keras model ({error})",
            hint="the model is a .keras or .h5 file, a SavedModel folder, or module:function",
        ) from error
    return Description(config=config, loss=_loss(training), version=version)


def _loss(training: "Config") -> "Config":
    return training.get("loss") if isinstance(training, dict) else None


def check_archive(archive: zipfile.ZipFile, path: "Path") -> None:
    """Refuse an archive with names that lead out of it, or more than this machine can hold.

    Raises:
        InputError: There is such a name, or too much.
    """
    total, limit = 0, machine_memory_bytes()
    for item in archive.infolist():
        parts = item.filename.replace("\\", "/").split("/")
        if ".." in parts or item.filename.startswith(("/", "\\")) or ":" in parts[0]:
            raise InputError(f"{path}: the name {item.filename!r} in it leads out of it")
        if item.filename.endswith(".json") and item.file_size > _LARGEST_CONFIG_BYTES:
            most = format_bytes(_LARGEST_CONFIG_BYTES)
            raise InputError(f"{path}: {item.filename!r} in it unpacks to more than {most}")
        total += item.file_size
    if total > limit:
        raise InputError(f"{path}: unpacks to more than {format_bytes(limit)}")


def check_h5(file: "Module", path: "Path") -> None:
    """Refuse an HDF5 file that takes weights from other files: reading it would read those.

    Args:
        file: An open ``h5py.File``, or a group of one.
        path: Of the file, for messages.

    Raises:
        InputError: A link leads out of it, or a dataset lies elsewhere.
    """
    import h5py

    groups = [file]
    while groups:
        group = groups.pop()
        for name in group:
            link = group.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                raise InputError(f"{path}: '{name}' in it is a link to another place")
            held = group[name]
            if isinstance(held, h5py.Group):
                groups.append(held)
            elif held.external or held.is_virtual:
                raise InputError(f"{path}: '{name}' in it lies in another file")


def keras_records(path: "Path") -> "Iterator[Config]":
    """Yield the JSON that Keras keeps of each layer in a SavedModel's ``keras_metadata.pb``.

    The file is a ``SavedMetadata`` of tf_keras's saved_metadata.proto: a list of ``SavedObject``
    (field 1), each with a JSON text (field 5). No file: nothing.

    Raises:
        InputError: It is damaged.
    """
    if not path.is_file():
        return
    try:
        for number, record in _fields(path.read_bytes()):
            for inner, text in _fields(record) if number == 1 else ():
                if inner == 5 and text:  # noqa: PLR2004  metadata
                    yield json.loads(text)
    except (ValueError, IndexError, RecursionError) as error:
        raise InputError(f"{path}: damaged records of Keras ({error})") from error


def _fields(content: bytes) -> "Iterator[tuple[int, bytes]]":
    """Yield the number and content of each field with a length in a protocol buffer."""
    place = 0
    while place < len(content):
        tag, place = _varint(content, place)
        match tag & 7:  # the wire type: number, 8 bytes, bytes with a length, 4 bytes
            case 0:
                _, place = _varint(content, place)
            case 1:
                place += 8
            case 2:
                length, place = _varint(content, place)
                if place + length > len(content):
                    raise ValueError("a record is cut short")
                yield tag >> 3, content[place : place + length]
                place += length
            case 5:
                place += 4
            case kind:
                raise ValueError(f"a field of kind {kind}")


def _varint(content: bytes, place: int) -> tuple[int, int]:
    """Return the number at ``place``, seven bits a byte, and the place behind it."""
    value = shift = 0
    while True:
        byte = content[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:  # noqa: PLR2004  the highest bit: more bytes follow
            return value, place
