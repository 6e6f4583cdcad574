"""Whole firmware projects: the model's C files, a report for the board, and a build system."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from edgekit.emission.c_array import c_array
from edgekit.emission.c_text import value_rows
from edgekit.emission.rendering import render
from edgekit.errors import UsageError
from edgekit.numerics.integers import quantize

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from edgekit.emission.firmware import CTensor, EmittedFile, Firmware

_INVOCATIONS = 10  # measured; the mean of ten is steady where nothing else runs


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """Where a build system wants its files.

    Args:
        c_folder: Of the model's C files and headers.
        run_folder: Of the report's source, its header and ``edgekit_port.h``.
        templates: Of all other files: from the path, with ``NAME`` for the model's name, to
            the template.
        first_headers: What the framework wants included before TFLite-Micro.
    """

    c_folder: str
    run_folder: str
    templates: Mapping[str, str]
    first_headers: tuple[str, ...] = ()


LAYOUTS: Mapping[str, Layout] = {
    "cmake": Layout(
        c_folder="model",
        run_folder="src",
        templates={
            "CMakeLists.txt": "cmake/CMakeLists.txt.j2",
            "README.md": "cmake/README.md.j2",
            "cmake/arm-none-eabi.cmake": "cmake/arm-none-eabi.cmake.j2",
            "cmake/boards.cmake": "cmake/boards.cmake.j2",
            "cmake/tflm.cmake": "cmake/tflm.cmake.j2",
            "cortex_m/cortex_m.ld": "cmake/cortex_m.ld.j2",
            "cortex_m/port.c": "cmake/port.c.j2",
            "cortex_m/runtime.cpp": "cmake/runtime.cpp.j2",
            "cortex_m/startup.c": "cmake/startup.c.j2",
            "src/debug_log.cpp": "cmake/debug_log.cpp.j2",
            "src/io_test.c": "cmake/io_test.c.j2",
            "src/main.cpp": "cmake/main.cpp.j2",
        },
    ),
    "arduino": Layout(
        c_folder="src",
        run_folder="src",
        templates={
            "README.md": "arduino/README.md.j2",
            "examples/NAME_report/NAME_report.ino": "arduino/report.ino.j2",
            "library.properties": "arduino/library.properties.j2",
            "src/NAME.h": "arduino/library.h.j2",
        },
        first_headers=("Chirale_TensorFlowLite.h",),
    ),
    "esp-idf": Layout(
        c_folder="components/NAME",
        run_folder="components/NAME",
        templates={
            "CMakeLists.txt": "esp-idf/CMakeLists.txt.j2",
            "README.md": "esp-idf/README.md.j2",
            "components/NAME/CMakeLists.txt": "esp-idf/component.cmake.j2",
            "components/NAME/idf_component.yml": "esp-idf/idf_component.yml.j2",
            "main/CMakeLists.txt": "esp-idf/main.cmake.j2",
            "main/main.c": "esp-idf/main.c.j2",
            "sdkconfig.defaults": "esp-idf/sdkconfig.defaults.j2",
        },
    ),
    "zephyr": Layout(
        c_folder="lib/NAME",
        run_folder="lib/NAME",
        templates={
            "CMakeLists.txt": "zephyr/CMakeLists.txt.j2",
            "Kconfig": "zephyr/Kconfig.j2",
            "README.md": "zephyr/README.md.j2",
            "samples/report/CMakeLists.txt": "zephyr/sample.cmake.j2",
            "samples/report/prj.conf": "zephyr/prj.conf.j2",
            "samples/report/src/main.c": "zephyr/main.c.j2",
            "zephyr/module.yml": "zephyr/module.yml.j2",
        },
    ),
    "platformio": Layout(
        c_folder="lib/NAME/src",
        run_folder="lib/NAME/src",
        templates={
            "README.md": "platformio/README.md.j2",
            "lib/NAME/library.json": "platformio/library.json.j2",
            "platformio.ini": "platformio/platformio.ini.j2",
            "src/main.cpp": "platformio/main.cpp.j2",
        },
        first_headers=("Chirale_TensorFlowLite.h",),
    ),
}
"""Each project format by its name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class InputTest:
    """Raw values of one input and what each must be stored as, as rows of C."""

    port: "CTensor"
    raw: "npt.NDArray[np.float32]"
    raw_rows: str
    stored_rows: str


def project_formats() -> "Mapping[str, Callable[[Firmware], tuple[EmittedFile, ...]]]":
    """Return the function of each project format."""
    return {name: partial(_project, name=name, layout=layout) for name, layout in LAYOUTS.items()}


def _project(firmware: "Firmware", *, name: str, layout: Layout) -> "tuple[EmittedFile, ...]":
    if firmware.arena_bytes is None:
        raise UsageError(
            f"a {name} project needs the size of the tensor arena",
            hint="name the device it is for: --target T",
        )
    run_folder = PurePosixPath(layout.run_folder.replace("NAME", firmware.name))
    c_folder = PurePosixPath(layout.c_folder.replace("NAME", firmware.name))
    files = [_below(c_folder, file) for file in c_array(firmware)]
    files += [_below(run_folder, file) for file in _report(firmware, layout)]
    files += [
        render(
            template,
            path,
            firmware,
            input_tests=[
                _input_test(firmware, port) for port in firmware.inputs if port.is_quantized
            ],
            model_crc32=zlib.crc32(firmware.content),
        )
        for path, template in layout.templates.items()
    ]
    return tuple(sorted(files, key=lambda file: file.path))


def _report(firmware: "Firmware", layout: Layout) -> "tuple[EmittedFile, ...]":
    operators = sum(len(graph.operators) for graph in firmware.model.graphs)
    return (
        render("firmware/edgekit_port.h.j2", "edgekit_port.h", firmware),
        render("firmware/run.h.j2", "NAME_run.h", firmware),
        render(
            "firmware/run.cpp.j2",
            "NAME_run.cpp",
            firmware,
            first_headers=layout.first_headers,
            invocations=_INVOCATIONS,
            operators=operators,
        ),
    )


def _below(folder: PurePosixPath, file: "EmittedFile") -> "EmittedFile":
    return replace(file, path=folder / file.path)


def _input_test(firmware: "Firmware", port: "CTensor") -> InputTest:
    """Return raw values at, between and beyond the stored ones, and what they become."""
    codes = np.linspace(port.least, port.greatest, 15).round()
    steps = np.concatenate([codes, codes + 0.5, codes - 0.499, [-1e6, 1e6]]) - port.zero_point
    with np.errstate(over="ignore"):  # scales near the ends of float32: what overflows goes
        real = (steps * port.scale).astype(np.float32)
        raw = ((real - np.float32(firmware.offset)) / np.float32(firmware.scale)).astype(np.float32)
        # Once more from the raw values, each operation rounded to float32 as on the device.
        prepared = raw * np.float32(firmware.scale) + np.float32(firmware.offset)
    kept = np.isfinite(raw) & np.isfinite(prepared)
    raw = raw[kept]
    stored = quantize(
        prepared[kept], scale=port.scale, zero_point=port.zero_point, dtype=port.tensor.dtype
    )
    return InputTest(port=port, raw=raw, raw_rows=value_rows(raw), stored_rows=value_rows(stored))
