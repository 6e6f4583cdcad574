"""``NAME_vectors.h/.c``: golden inputs and outputs, and the self-test that runs them."""

import textwrap
import zlib
from typing import TYPE_CHECKING

from edgekit.emission.c_text import COMMENT_COLUMNS, comment_text, value_rows
from edgekit.emission.rendering import render

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from edgekit.emission.firmware import EmittedFile, Firmware, GoldenVectors


def test_vectors(firmware: "Firmware", vectors: "GoldenVectors") -> "tuple[EmittedFile, ...]":
    """Return the vectors and the self-test as C files."""
    samples = {
        port.symbol: [value_rows(sample) for sample in values]
        for ports, arrays in (
            (firmware.inputs, vectors.inputs),
            (firmware.outputs, vectors.outputs),
        )
        for port, values in zip(ports, arrays, strict=True)
    }
    source_lines = textwrap.wrap(comment_text(vectors.source), COMMENT_COLUMNS)
    return (
        render(
            "c/vectors.h.j2",
            "NAME_vectors.h",
            firmware,
            count=vectors.count,
            crc32=outputs_crc32(vectors.outputs),
            source_lines=source_lines,
        ),
        render("c/vectors.c.j2", "NAME_vectors.c", firmware, samples=samples),
        render("c/selftest.h.j2", "NAME_selftest.h", firmware),
        render("c/selftest.c.j2", "NAME_selftest.c", firmware),
    )


def outputs_crc32(outputs: "tuple[npt.NDArray[np.generic], ...]") -> int:
    """Return the CRC-32 of all outputs, sample after sample, little-endian."""
    crc32 = 0
    for sample in zip(*outputs, strict=True):
        for values in sample:
            crc32 = zlib.crc32(values.astype(values.dtype.newbyteorder("<")).tobytes(), crc32)
    return crc32
