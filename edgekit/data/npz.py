"""Arrays of numbers out of an ``.npz``: sizes are checked first, and nothing is unpickled."""

import lzma
import struct
import tokenize
import warnings
import zipfile
import zlib
from typing import TYPE_CHECKING

import numpy as np

from edgekit.errors import InputError
from edgekit.quantity import format_bytes
from edgekit.runtimes.process import machine_memory_bytes

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path
    from typing import IO

    import numpy.typing as npt

    Array = npt.NDArray[np.generic]

_ENDING = ".npy"
_DAMAGE = (
    EOFError,
    IndexError,
    KeyError,
    OSError,
    RuntimeError,  # an archive with a password, or a packing that Python does not know
    SyntaxError,
    TypeError,
    ValueError,
    lzma.LZMAError,
    struct.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What Python's and NumPy's readers let out on damaged files."""


def read_arrays(
    path: "Path", names: "Collection[str]", *, trusted: bool = False
) -> "tuple[dict[str, Array], tuple[str, ...]]":
    """Return the arrays of the ``.npz`` in ``path`` that are called so, and all names in it.

    Args:
        path: Of the file; nothing is unpacked beside it.
        names: That are wanted.
        trusted: Whether pickled Python objects may be loaded, which runs code of the file.

    Raises:
        InputError: No such file, a damaged one, one with pickled objects, or one whose arrays
            are larger than this machine's memory.
    """
    try:
        with path.open("rb") as stream, zipfile.ZipFile(stream) as archive:
            members = {
                item.filename.removesuffix(_ENDING): item
                for item in archive.infolist()
                if item.filename.endswith(_ENDING)
            }
            _check_sizes(path, [members[name] for name in names if name in members])
            found = {
                name: _array(path, archive, members[name], trusted=trusted)
                for name in names
                if name in members
            }
            return found, tuple(members)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except _DAMAGE as error:
        words = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: damaged .npz file ({words})") from error


def _check_sizes(path: "Path", members: "list[zipfile.ZipInfo]") -> None:
    """Refuse what unpacks to more than fits: a small archive can hold a large nothing."""
    count, limit = sum(item.file_size for item in members), machine_memory_bytes()
    if count > limit:
        raise InputError(
            f"{path}: its arrays take {format_bytes(count)}, this machine has {format_bytes(limit)}"
        )


def _array(
    path: "Path", archive: zipfile.ZipFile, member: zipfile.ZipInfo, *, trusted: bool
) -> "Array":
    with archive.open(member) as stream, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # files that Python 2 wrote
        _check_header(path, stream, member, trusted=trusted)
    with archive.open(member) as stream, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return np.asarray(np.lib.format.read_array(stream, allow_pickle=trusted))


def _check_header(
    path: "Path", stream: "IO[bytes]", member: zipfile.ZipInfo, *, trusted: bool
) -> None:
    """Refuse an array that is of objects, or of another size than its bytes."""
    version = np.lib.format.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"{member.filename} is of version {version}")
    read = (np.lib.format.read_array_header_1_0, np.lib.format.read_array_header_2_0)
    shape, _, dtype = read[version[0] - 1](stream)
    if dtype.hasobject:
        if trusted:
            return
        raise InputError(
            f"{path}: holds pickled Python objects, which edgekit does not open: that runs code",
            hint="save arrays of numbers, or, if the file is your own: [data] trusted = true",
        )
    found, wanted = member.file_size - stream.tell(), dtype.itemsize
    for size in shape:
        wanted *= size
    if found != wanted or min(shape, default=0) < 0:
        raise ValueError(f"{member.filename} of the shape {shape} holds {found} bytes")
