"""``edgekit emit``: write a model as C for firmware."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgekit.cli.output import console, origin_of, print_json, progress_bar, report_error

if TYPE_CHECKING:
    from edgekit.emission.emit import Emission
    from edgekit.runtimes.emulator import Emulation

_DEFAULT_VECTORS = 2


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--as", "format", default="c-array", show_default=True, help="The format.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The folder.")
@click.option(
    "--replace", is_flag=True, help="Also what was changed since edgekit wrote it; no other file."
)
@click.option("--name", help="Of arrays, functions and files; else taken from MODEL's name.")
@click.option("--target", help="The device: its arena, and whether the model fits.")
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
@click.option("--seed", type=int, default=0, help="Of random vectors and random data.")
@click.option("--run", is_flag=True, help="Build the cmake project and run it in QEMU.")
@click.option("--tflm", type=click.Path(path_type=Path), help="For --run: a TFLite-Micro tree.")
@click.option("--board", help="For --run: QEMU's machine.  [default: mps2-an386]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def emit(  # noqa: PLR0913  one argument an option
    *,
    model: Path,
    format: str,  # noqa: A002  the word of the command line
    out: Path,
    replace: bool,
    name: str | None,
    target: str | None,
    arena: str | None,
    project: Path | None,
    vectors: int,
    data: str | None,
    seed: int,
    run: bool,
    tflm: Path | None,
    board: str | None,
    as_json: bool,
) -> int:
    """Write a .tflite as C: arrays, operators, conversions, self-test, whole projects.

    \b
    Formats: c-array, cmake, arduino, esp-idf, zephyr, platformio.

    The folder holds a record of what edgekit wrote there, which is replaced when you emit again;
    a file that was changed since, or is not edgekit's, is refused by name.

    \b
    edgekit emit model.tflite --out firmware
    edgekit emit model.tflite --as cmake --target nucleo-l4r5zi --out firmware
    edgekit emit model.tflite --as cmake --target nucleo-l4r5zi --out firmware --tflm ~/tflm --run
    """
    from edgekit.emission.emit import EmulatorSpec, to_json
    from edgekit.emission.emit import emit as write
    from edgekit.errors import UsageError

    if run and format != "cmake":
        raise UsageError(f"--run builds cmake projects, not {format}", hint="--as cmake")
    if not run and (tflm is not None or board is not None):
        option = "--board" if tflm is None else "--tflm"
        raise UsageError(f"{option} is for --run, which is not given", hint="add --run")
    if run and tflm is None:
        raise UsageError("--run needs TFLite-Micro's sources", hint="name their folder: --tflm DIR")
    emulator = None
    if run and tflm is not None:
        emulator = (
            EmulatorSpec(tflm=tflm) if board is None else EmulatorSpec(tflm=tflm, board=board)
        )
    with progress_bar("emit"):
        emission = write(
            model,
            out=out,
            format=format,
            name=name,
            target=target,
            arena=arena,
            project=project,
            vectors=vectors,
            data=data,
            seed=seed,
            emulator=emulator,
            replace=replace,
        )
    for finding in emission.missed:
        report_error(finding.message, hint=finding.hint)
    if as_json:
        print_json("emit", to_json(emission))
    elif not emission.missed:
        _show(emission)
    return 0 if emission.passed else 1


def _show(emission: "Emission") -> None:
    from edgekit.quantity import format_bytes

    terminal = console()
    for file in emission.files:
        terminal.print(f"{format_bytes(len(file.text.encode())):>10}  {emission.out / file.path}")
    if emission.arena_bytes is not None:
        arena = emission.arena_bytes
        terminal.print(f"arena: {arena.value:,.0f} B, {origin_of(arena)}", markup=False)
    if emission.emulation is not None:
        _show_emulation(emission.emulation)


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
        text = f"{title}: {figure.value:,.0f} {figure.unit}, {origin_of(figure)}"
        terminal.print(text, markup=False)
    terminal.print(f"linker map: {emulation.map_path}", markup=False)
