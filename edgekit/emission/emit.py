"""A `.tflite` as a folder of firmware sources: emitted whole, and on wish run on an emulator."""

import dataclasses
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.data.sources import RANDOM
from edgekit.devices.profile import load_target
from edgekit.emission.emitted_folder import (
    BUILD_FOLDER,
    check_free,
    is_own_build,
    mark_build,
    write_emitted,
)
from edgekit.emission.formats import EmittedFile, Vectors, check_integer, check_name
from edgekit.emission.formats import emit as render
from edgekit.emission.golden_vectors import data_inputs, golden_vectors, random_inputs
from edgekit.errors import MissingDependencyError, UsageError
from edgekit.files.outputs import check_output_folder
from edgekit.files.whole_files import sha256
from edgekit.fit.check import check
from edgekit.model.reader import read, read_bytes
from edgekit.model.shapes import check_shapes
from edgekit.project.project import load_project
from edgekit.project.user_function import source_file
from edgekit.quantity import Quantity, parse_bytes
from edgekit.runtimes.emulator import Emulation, check_tools, emulate
from edgekit.specs import DataSpec, check_count, check_seed

if TYPE_CHECKING:
    from edgekit.finding import Finding


@dataclass(frozen=True, kw_only=True, slots=True)
class EmulatorSpec:
    """Where emitted firmware is to run.

    Args:
        tflm: A TFLite-Micro tree with its third parties, as its project generator writes it.
        board: A machine of QEMU.
    """

    tflm: Path
    board: str = "mps2-an386"


@dataclass(frozen=True, kw_only=True, slots=True)
class Emission:
    """What was emitted.

    Args:
        out: The folder.
        format: Such as ``"cmake"``.
        files: What is in it; none where a limit of the target is missed.
        arena_bytes: Of the tensor arena, or None where nobody said.
        vectors: Golden vectors in the self-test.
        missed: Limits of the target that the model misses.
        emulation: What the emulated core made of it, or None.
    """

    out: Path
    format: str
    files: tuple[EmittedFile, ...]
    arena_bytes: Quantity | None
    vectors: int
    missed: "tuple[Finding, ...]" = ()
    emulation: Emulation | None = None

    @property
    def passed(self) -> bool:
        """Whether the model fits its target, and the emulated self-test gave the golden outputs."""
        return not self.missed and (self.emulation is None or self.emulation.passed)


def emit(  # noqa: PLR0913  one argument an option
    model: str | Path,
    *,
    out: str | Path,
    format: str = "c-array",  # noqa: A002  the word of the command line
    name: str | None = None,
    target: str | None = None,
    arena: str | None = None,
    project: str | Path | None = None,
    vectors: int = 2,
    data: str | None = None,
    seed: int = 0,
    emulator: EmulatorSpec | None = None,
    replace: bool = False,
) -> Emission:
    """Write the `.tflite` file ``model`` as C for firmware: all files, or none.

    Args:
        model: Its path.
        out: The folder; what was emitted there before is replaced, if nobody has changed it.
        format: ``"c-array"``, ``"cmake"``, ``"arduino"``, ``"esp-idf"``, ``"zephyr"`` or
            ``"platformio"``.
        name: Of arrays, functions and files; None: the project's, or the file's.
        target: The device: its arena, and whether the model fits there.
        arena: The arena's size where no target is named, such as ``"64KiB"``.
        project: A project file: its name, labels, scale and offset.
        vectors: Golden vectors for the self-test.
        data: Where the vectors' inputs come from; None: they are random.
        seed: Of random vectors, and of the data's split.
        emulator: Where to run it, if it is a ``"cmake"`` project; None: nowhere.
        replace: Whether files that were emitted before and changed since are replaced too, and
            files of others left where they are; without it both are refused.

    Raises:
        EdgekitError: What the user must put right; nothing is written then.
    """
    check_count("vectors", vectors, least=0)
    check_seed("seed", seed)
    if data is not None and vectors == 0:
        raise UsageError(
            "data are for golden vectors, and none are asked for",
            hint="leave --data out, or give another number than --vectors 0",
        )
    if emulator is not None and format != "cmake":
        raise UsageError(f"--run builds cmake projects, not {format}", hint="--as cmake")
    path, folder = Path(model), Path(out)
    settings = None if project is None else load_project(Path(project))
    spec = DataSpec(source=RANDOM) if settings is None else settings.data
    named = name or (_name_of(path) if settings is None else settings.name)
    check_name(named)
    check_free(folder, replace=replace, builds=emulator is not None)
    if is_own_build(folder):
        check_output_folder(folder / BUILD_FOLDER, _inputs(path, project, data, emulator))
    if emulator is not None:
        check_tools(emulator.tflm, emulator.board)
    content = read_bytes(path)
    parsed = read(content, name=str(path))
    check_integer(parsed)
    check_shapes(parsed)
    arena_bytes, missed = _arena(content, target, arena)
    emission = Emission(
        out=folder,
        format=format,
        files=(),
        arena_bytes=arena_bytes,
        vectors=vectors,
        missed=missed,
    )
    if missed:
        return emission
    files = render(
        content,
        name=named,
        format=format,
        arena_bytes=arena_bytes,
        vectors=_vectors(content, vectors, data, spec, seed=seed),
        labels=spec.labels,
        scale=spec.scale,
        offset=spec.offset,
    )
    write_emitted(files, folder, replace=replace)
    emission = dataclasses.replace(emission, files=files)
    if emulator is None:
        return emission
    mark_build(folder)
    emulation = emulate(folder, name=named, tflm=emulator.tflm, board=emulator.board)
    return dataclasses.replace(emission, emulation=emulation)


def to_json(emission: Emission) -> dict[str, object]:
    """Return what was emitted, and what the emulated core made of it, as JSON values."""
    contents = [(file.path, file.text.encode()) for file in emission.files]
    return {
        "format": emission.format,
        "arena_bytes": emission.arena_bytes and asdict(emission.arena_bytes),
        "vectors": emission.vectors,
        "files": [
            {"path": str(path), "bytes": len(content), "sha256": sha256(content)}
            for path, content in contents
        ],
        "findings": [asdict(finding) for finding in emission.missed],
        "run": emission.emulation and _emulation_json(emission.emulation),
    }


def _emulation_json(emulation: Emulation) -> dict[str, object]:
    return {
        "board": emulation.board,
        "passed": emulation.passed,
        "report": asdict(emulation.report),
        "code_bytes": asdict(emulation.code_bytes),
        "data_bytes": asdict(emulation.data_bytes),
        "instructions": asdict(emulation.instructions),
        "map": str(emulation.map_path),
    }


def _inputs(
    model: Path, project: str | Path | None, data: str | None, emulator: EmulatorSpec | None
) -> list[Path]:
    """Return the files and folders that are read."""
    found = [model] if data is None else [model, source_file(data, Path.cwd())]
    found += [] if project is None else [Path(project)]
    return [*found, *([] if emulator is None else [emulator.tflm])]


def _name_of(model: Path) -> str:
    """Return ``my_net`` for ``models/my-net.tflite``."""
    return re.sub(r"\W", "_", model.stem, flags=re.ASCII).strip("_") or "model"


def _arena(
    content: bytes, target: str | None, arena: str | None
) -> "tuple[Quantity | None, tuple[Finding, ...]]":
    """Return the arena's size, and the target's limits that the model misses."""
    if target is None:
        if arena is None:
            return None, ()
        size = parse_bytes(arena)
        return Quantity(value=size, unit="B", kind="declared", source=f"--arena {arena}"), ()
    if arena is not None:
        raise UsageError("--target and --arena both give the arena's size", hint="leave one out")
    profile = load_target(target)
    if profile.runtime.name != "tflite-micro":
        raise UsageError(
            f"{target} runs {profile.runtime.name}, which takes the .tflite as it is",
            hint="name a microcontroller; see: edgekit targets list",
        )
    fit = check(content, profile)
    return fit.arena_bytes, tuple(finding for finding in fit.findings if not finding.passed)


def _vectors(
    content: bytes, count: int, data: str | None, spec: "DataSpec", *, seed: int
) -> "Vectors | None":
    if count == 0:
        return None
    if data is None:
        inputs, origin = random_inputs(content, count, seed=seed), f"random inputs, seed {seed}"
    else:
        chosen = dataclasses.replace(spec, source=data)
        inputs = data_inputs(content, chosen, count, directory=Path.cwd(), seed=seed)
        origin = f"validation samples of {Path(data).name}"
    try:
        return golden_vectors(content, inputs, origin=origin)
    except MissingDependencyError as error:
        hint = f"{error.hint}, or emit without a self-test: --vectors 0"
        raise MissingDependencyError(error.message, hint=hint) from error
