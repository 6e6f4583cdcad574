"""``edgekit emit``: write a model as C for firmware."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgekit.cli.output import console, print_json, report_error

if TYPE_CHECKING:
    from edgekit.emitters import EmittedFile, Vectors
    from edgekit.emulate import Emulation
    from edgekit.finding import Finding
    from edgekit.project import DataSpec
    from edgekit.quantity import Quantity

_DEFAULT_VECTORS = 2
_OWN_FOLDER = "build"  # where `--run` builds, inside the output folder


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--as", "as_format", default="c-array", show_default=True, help="The format.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The folder.")
@click.option("--name", help="Of arrays, functions and files; else taken from MODEL's name.")
@click.option("--target", "target_name", help="The device: its arena, and whether the model fits.")
@click.option("--arena", help="The tensor arena's size where no target is named: 64KiB.")
@click.option(
    "--project", type=click.Path(path_type=Path), help="Its name, labels, scale and offset."
)
@click.option(
    "--vectors",
    type=click.IntRange(min=0),
    default=_DEFAULT_VECTORS,
    show_default=True,
    help="Golden vectors for the self-test.",
)
@click.option("--data", help="Where the vectors' inputs come from; else they are random.")
@click.option("--seed", type=int, default=0, help="Of random vectors, and of the data's split.")
@click.option("--run", is_flag=True, help="Build the cmake project and run it in QEMU.")
@click.option("--tflm", type=click.Path(path_type=Path), help="For --run: a TFLite-Micro tree.")
@click.option("--board", default="mps2-an386", show_default=True, help="For --run: QEMU's machine.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def emit(  # noqa: PLR0913  one argument an option
    *,
    model: Path,
    as_format: str,
    out: Path,
    name: str | None,
    target_name: str | None,
    arena: str | None,
    project: Path | None,
    vectors: int,
    data: str | None,
    seed: int,
    run: bool,
    tflm: Path | None,
    board: str,
    as_json: bool,
) -> int:
    r"""Write a .tflite as C: arrays, operators, conversions, self-test, whole projects.

    \b
    Formats: c-array, cmake, arduino, esp-idf, zephyr, platformio.

    \b
    edgekit emit model.tflite --out firmware
    edgekit emit model.tflite --as cmake --target nucleo-l4r5zi --out firmware
    edgekit emit model.tflite --as cmake --target nucleo-l4r5zi --out firmware --tflm ~/tflm --run
    """
    from edgekit.emitters import check_name
    from edgekit.emitters import emit as render
    from edgekit.flatbuffer.model import read_bytes
    from edgekit.project import DataSpec, load_project

    settings = None if project is None else load_project(project)
    spec = DataSpec(source="") if settings is None else settings.data
    named = name or (_name_of(model) if settings is None else settings.name)
    check_name(named)
    check_free(out)
    tree = _tree(as_format, tflm, board) if run else None
    content = read_bytes(model)
    arena_bytes, missed = _arena(content, target_name, arena)
    files = render(
        content,
        name=named,
        format=as_format,
        arena_bytes=arena_bytes,
        vectors=_vectors(content, vectors, data, spec, seed=seed) if not missed else None,
        labels=spec.labels,
        scale=spec.scale,
        offset=spec.offset,
    )
    if missed:
        for finding in missed:
            report_error(finding.message, hint=finding.hint)
        return 1
    write(files, out)
    emulation = None if tree is None else _emulated(out, named, tree, board)
    if as_json:
        print_json("emit", to_json(as_format, files, arena_bytes, vectors, emulation))
    else:
        _show(out, files, arena_bytes, emulation)
    return 0 if emulation is None or emulation.passed else 1


def check_free(out: Path) -> None:
    """Let ``out`` pass if nothing of anybody else's stands there.

    Raises:
        UsageError: A file of that name, or a folder with files that edgekit did not emit.
    """
    from edgekit.errors import UsageError

    if out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file, not a folder", hint="name another folder: --out DIR")
    strange = [path for path in _files_in(out) if not _is_ours(path)]
    if strange:
        raise UsageError(
            f"{out} holds other files, such as {strange[0].relative_to(out)}",
            hint="name an empty or new folder: --out DIR",
        )


def write(files: "tuple[EmittedFile, ...]", out: Path) -> None:
    """Write ``files`` below ``out``: all of them, or none; what was emitted there goes."""
    from edgekit.artifacts import whole_folder, write_text

    with whole_folder(out) as draft:
        for file in files:
            write_text(draft / file.path, file.text)


def to_json(
    as_format: str,
    files: "tuple[EmittedFile, ...]",
    arena_bytes: "Quantity | None",
    vectors: int,
    emulation: "Emulation | None",
) -> dict[str, object]:
    """Return what was emitted, and what the emulated core made of it."""
    from dataclasses import asdict

    from edgekit.artifacts import sha256

    contents = [(file.path, file.text.encode()) for file in files]
    return {
        "format": as_format,
        "arena_bytes": None if arena_bytes is None else asdict(arena_bytes),
        "vectors": vectors,
        "files": [
            {"path": str(path), "bytes": len(content), "sha256": sha256(content)}
            for path, content in contents
        ],
        "run": None
        if emulation is None
        else {
            "board": emulation.board,
            "passed": emulation.passed,
            "report": asdict(emulation.report),
            "code_bytes": asdict(emulation.code_bytes),
            "data_bytes": asdict(emulation.data_bytes),
            "instructions": asdict(emulation.instructions),
            "map": str(emulation.map_path),
        },
    }


def _name_of(model: Path) -> str:
    """Return ``my_net`` for ``models/my-net.tflite``."""
    return re.sub(r"\W", "_", model.stem, flags=re.ASCII).strip("_") or "model"


def _files_in(out: Path) -> list[Path]:
    if not out.is_dir():
        return []
    inside = (path for path in out.iterdir() if path.name != _OWN_FOLDER)
    return sorted(
        path
        for top in inside
        for path in ([top] if not top.is_dir() else top.rglob("*"))
        if not path.is_dir()
    )


def _is_ours(path: Path) -> bool:
    """Return whether a file begins as all that edgekit emits, or belongs to it by its name."""
    if path.name in ("README.md", "library.properties", "library.json"):
        return True
    with path.open("rb") as stream:
        return b"Generated by edgekit" in stream.read(64)


def _tree(as_format: str, tflm: Path | None, board: str) -> Path:
    from edgekit.emulate import check_tools
    from edgekit.errors import UsageError

    if as_format != "cmake":
        raise UsageError(f"--run builds cmake projects, not {as_format}", hint="--as cmake")
    if tflm is None:
        raise UsageError("--run needs TFLite-Micro's sources", hint="name their folder: --tflm DIR")
    check_tools(tflm, board)
    return tflm


def _arena(
    content: bytes, target_name: str | None, arena: str | None
) -> "tuple[Quantity | None, tuple[Finding, ...]]":
    """Return the arena's size, and the target's limits that the model misses."""
    from edgekit.errors import UsageError
    from edgekit.quantity import Quantity, parse_bytes

    if target_name is None:
        if arena is None:
            return None, ()
        size = parse_bytes(arena)
        return Quantity(value=size, unit="B", kind="declared", source=f"--arena {arena}"), ()
    if arena is not None:
        raise UsageError("--target and --arena both give the arena's size", hint="leave one out")
    from edgekit.fit.check import check
    from edgekit.target import load_target

    target = load_target(target_name)
    if target.runtime.name != "tflite-micro":
        raise UsageError(
            f"{target_name} runs {target.runtime.name}, which takes the .tflite as it is",
            hint="name a microcontroller; see: edgekit targets list",
        )
    fit = check(content, target)
    return fit.arena_bytes, tuple(finding for finding in fit.findings if not finding.passed)


def _vectors(
    content: bytes, count: int, data: str | None, spec: "DataSpec", *, seed: int
) -> "Vectors | None":
    from dataclasses import replace

    from edgekit.errors import MissingDependencyError
    from edgekit.golden import data_inputs, golden_vectors, random_inputs

    if count == 0:
        return None
    if data is None:
        inputs, origin = random_inputs(content, count, seed=seed), f"random inputs, seed {seed}"
    else:
        chosen = replace(spec, source=data)
        inputs = data_inputs(content, chosen, count, directory=Path.cwd(), seed=seed)
        origin = f"validation samples of {Path(data).name}"
    try:
        return golden_vectors(content, inputs, origin=origin)
    except MissingDependencyError as error:
        hint = f"{error.hint}, or emit without a self-test: --vectors 0"
        raise MissingDependencyError(error.message, hint=hint) from error


def _emulated(out: Path, name: str, tree: Path, board: str) -> "Emulation":
    from edgekit.emulate import emulate

    return emulate(out, name=name, tflm=tree, board=board)


def _show(
    out: Path,
    files: "tuple[EmittedFile, ...]",
    arena_bytes: "Quantity | None",
    emulation: "Emulation | None",
) -> None:
    from edgekit.quantity import format_bytes

    terminal = console()
    for file in files:
        terminal.print(f"{format_bytes(len(file.text.encode())):>10}  {out / file.path}")
    if arena_bytes is not None:
        terminal.print(
            f"arena: {arena_bytes.value:,.0f} B {arena_bytes.kind}, {arena_bytes.source}",
            markup=False,
        )
    if emulation is not None:
        _show_emulation(emulation)


def _show_emulation(emulation: "Emulation") -> None:
    terminal = console()
    selftest = emulation.report.selftest
    if selftest is not None:
        same = "equal to" if selftest.passed else "NOT equal to"
        terminal.print(f"outputs on {emulation.board}: {same} the golden ones")
        if selftest.first is not None:
            first = selftest.first
            terminal.print(
                f"first difference: vector {first.vector}, output {first.output}, element "
                f"{first.element}: {first.actual}, not {first.expected}"
            )
    for title, figure in (
        ("flash", emulation.code_bytes),
        ("RAM", emulation.data_bytes),
        ("one invocation", emulation.instructions),
    ):
        text = f"{title}: {figure.value:,.0f} {figure.unit} {figure.kind}, {figure.source}"
        terminal.print(text, markup=False)
    terminal.print(f"linker map: {emulation.map_path}", markup=False)
