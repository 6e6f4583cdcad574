"""``c-array``: the model as C files that any build system takes."""

import math
import textwrap
from typing import TYPE_CHECKING

from edgekit.emission.c_text import COMMENT_COLUMNS, byte_rows, comment_text
from edgekit.emission.op_resolver import op_resolver
from edgekit.emission.rendering import render
from edgekit.emission.test_vectors import test_vectors

if TYPE_CHECKING:
    from edgekit.emission.firmware import EmittedFile, Firmware
    from edgekit.quantity import Quantity

_ARENA_STEP_BYTES = 16  # TFLite-Micro aligns its arena to 16 bytes


def c_array(firmware: "Firmware") -> "tuple[EmittedFile, ...]":
    """Return the model, its conversions and what is known of it as C files in one folder."""
    files = [
        render("c/model.h.j2", "NAME_model.h", firmware),
        render("c/model.c.j2", "NAME_model.c", firmware, rows=byte_rows(firmware.content)),
        render("c/io.h.j2", "NAME_io.h", firmware),
        render("c/io.c.j2", "NAME_io.c", firmware),
        op_resolver(firmware),
    ]
    if firmware.arena_bytes is not None:
        files.append(_arena(firmware, firmware.arena_bytes))
    if firmware.vectors is not None:
        files += test_vectors(firmware, firmware.vectors)
    return tuple(files)


def _arena(firmware: "Firmware", arena: "Quantity") -> "EmittedFile":
    """Return the header with the arena's size: the upper end of a band, in whole steps."""
    reserved = arena.value if arena.high is None else arena.high
    return render(
        "c/arena.h.j2",
        "NAME_arena.h",
        firmware,
        arena=arena,
        arena_bytes=math.ceil(reserved / _ARENA_STEP_BYTES) * _ARENA_STEP_BYTES,
        source_lines=textwrap.wrap(comment_text(arena.source), COMMENT_COLUMNS),
    )
