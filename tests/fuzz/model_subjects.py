"""The takers of `.tflite` files: all that a light command does with one."""

import contextlib
import io
import json
import math
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from model_mutations import damaged_model
from operator_models import lstm, single_operators, svdf, transpose_convolution
from random_graphs import random_graph
from subjects import Subject

from edgekit import cli
from edgekit.data.reference import Vectors
from edgekit.devices.profile import load_target
from edgekit.emission import formats, golden_vectors
from edgekit.emission.formats import check_name
from edgekit.errors import EdgekitError, ToolError
from edgekit.explanation.explain import explain
from edgekit.fit import check as fits
from edgekit.model import inspection
from edgekit.model.edit import compact
from edgekit.model.file import ModelFile
from edgekit.model.float_twin import check_one_input, float_twin
from edgekit.model.integer import require_integer
from edgekit.model.reader import read
from edgekit.model.writer import write
from edgekit.quantity import Quantity
from edgekit.record.fit import to_json as fit_json
from edgekit.runtimes import litert, tflm
from edgekit.runtimes.real import stored_inputs
from edgekit.shrinking.diet import diet
from edgekit.shrinking.proof import proof_vectors
from edgekit.shrinking.refusal import require_shrinkable
from edgekit.shrinking.size_map import size_map
from edgekit.specs import Limits

if TYPE_CHECKING:
    from collections.abc import Callable

SHARED = Path(__file__).parents[3] / "shared" / "models"
_LARGEST = 400_000  # bytes of a real model that is damaged: larger ones are more of the same
_TARGETS = ("nucleo-l4r5zi", "esp32-s3", "pixel-4", "pico")
_ARENA = Quantity(value=65536, unit="B", kind="declared", source="the fuzzing")


@cache
def models() -> tuple[bytes, ...]:
    """Return models of ours, and those beside the project where they are there."""
    shared = sorted(path for path in SHARED.rglob("*.tflite") if path.stat().st_size < _LARGEST)
    ours = [random_graph(seed) for seed in range(12)]
    ours += [lstm(), svdf(), transpose_convolution()]
    ours += [content for _, dtype, content in single_operators() if dtype == "int8"]
    return (*ours, *(path.read_bytes() for path in shared))


def _inspect(content: bytes, folder: Path) -> None:
    del folder
    found = inspection.inspect(read(content))
    json.dumps(inspection.to_json(found), allow_nan=False)


def _check(content: bytes, folder: Path) -> None:
    del folder
    model = read(content)
    for name in _TARGETS:
        fit = fits.check_model(model, load_target(name), limits=Limits())
        json.dumps(fit_json(fit), allow_nan=False)


def _rewrite(content: bytes, folder: Path) -> None:
    del folder
    model = read(content)
    assert write(read(write(model))) == write(model), "the second writing differs"
    size_map(content)
    _each(
        lambda: compact(model),
        lambda: require_shrinkable(model),
        lambda: write(diet(model)),
    )


def _emit(content: bytes, folder: Path) -> None:
    del folder
    read(content)
    for form in ("c-array", "cmake"):
        _each(
            lambda form=form: formats.emit(
                ModelFile.of(content), name="net", format=form, arena_bytes=_ARENA, vectors=None
            )
        )


def _prepare(content: bytes, folder: Path) -> None:
    """Do all that stands before the runtimes of verify, shrink and explain."""
    del folder
    model = read(content)

    def samples() -> None:
        shape = model.main.tensors[model.main.inputs[0]].shape[1:] if model.main.inputs else ()
        stored_inputs(ModelFile.of(content).model, np.zeros((2, *_small(shape)), np.float32))

    _each(
        samples,
        lambda: proof_vectors(ModelFile.of(content).model, count=12),
        lambda: golden_vectors.random_inputs(ModelFile.of(content).model, 2, seed=0),
        lambda: require_integer(model),
        lambda: check_one_input(model),
        lambda: write(float_twin(model)),
    )


def _run(content: bytes, folder: Path) -> None:
    """Run the model in both runtimes, as verify and shrink do."""
    del folder
    inputs = golden_vectors.random_inputs(ModelFile.of(content).model, 2, seed=0)
    for session in _sessions():
        with contextlib.suppress(ToolError):  # a runtime that crashed or was ended
            _each(lambda session=session: session.run(content, inputs))


def _explain(content: bytes, folder: Path) -> None:
    del folder
    model = read(content)
    ports = [model.main.tensors[index].shape[1:] for index in model.main.inputs]
    shape = _small(ports[0]) if ports else (1,)
    explain(
        ModelFile.of(content),
        Vectors(
            inputs=np.linspace(-1, 1, 2 * math.prod(shape), dtype=np.float32).reshape(2, *shape)
        ),
    )


def _command(content: bytes, folder: Path) -> None:
    """Call commands as a user does: exit codes, and not one traceback."""
    check_name("net")
    (folder / "net.tflite").write_bytes(content)
    out = str(folder / "c")
    for arguments in (
        ["inspect", "net.tflite"],
        ["inspect", "net.tflite", "--json"],
        ["check", "net.tflite", "--target", "nucleo-l4r5zi"],
        ["check", "net.tflite", "--target", "pixel-4", "--target", "esp32-s3", "--json"],
        ["emit", "net.tflite", "--as", "cmake", "--arena", "64KiB", "--vectors", "0", "--out", out],
    ):
        told = io.StringIO()
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(told):
            code = cli.run(arguments)
        assert code in range(7), f"edgekit {arguments[0]} exits with {code}: {told.getvalue()}"
    read(content)


@cache
def _sessions() -> tuple[litert.Session, tflm.Session]:
    return litert.Session(), tflm.Session()


def _each(*calls: "Callable[[], object]") -> None:
    """Make every call; one that is refused does not keep the others from being made."""
    for call in calls:
        with contextlib.suppress(EdgekitError):
            call()


def _small(shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape if np.prod(shape, dtype=float) < 1e6 else (1,)


def _subject(
    name: str, take: "Callable[[bytes, Path], object]", *, share: int, **more: bool
) -> Subject:
    return Subject(name=name, seeds=models, damage=damaged_model, take=take, share=share, **more)


MODELS = (
    _subject("tflite: inspect", _inspect, share=16),
    _subject("tflite: check", _check, share=16),
    _subject("tflite: write again, diet", _rewrite, share=16),
    _subject("tflite: emit", _emit, share=10),
    _subject("tflite: inputs for the runtimes", _prepare, share=10),
    _subject("tflite: commands", _command, share=5),
    _subject("tflite: the runtimes", _run, share=5, starts_processes=True),
    _subject("tflite: explain", _explain, share=1, starts_processes=True),
)
