"""No hint leads in a circle: what it tells to type exists, and is not what was just typed."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from graphs import GraphBuilder
from hints import COMMANDS, Advice, advice, reached, repeats

from edgekit.cli import run
from edgekit.devices.profile import load_target
from edgekit.fit.operators import unsupported_operators
from edgekit.model.integer import require_integer
from edgekit.model.reader import Model, Operator, read
from edgekit.model.writer import write

ADVICE = list(advice())
SENTENCES = {
    *("cannot", "does", "plans", "proves", "reads", "builds", "had", "knows", "writes", "wrote"),
}  # edgekit as a subject
OTHER_PROGRAMS = re.compile(r"\b(pip|apt-get|dask|python3)\b")
NO_CIRCLE = {
    ("edgekit.model.shapes", "convert"): "convert fixes the shapes of a Keras model",
    (
        "edgekit.fit.latency.predict",
        "targets calibrate",
    ): "calibrate writes latencies and predicts none",
    ("edgekit.model.reader", "convert"): "convert reads Keras files by what is in them",
    ("edgekit.project.project", "init"): "init writes a project file and reads none",
    ("edgekit.reports.manifest", "build"): "build writes a manifest and reads none",
    ("edgekit.project.scaffold", "build"): "init alone refuses to overwrite",
}


def name(item: Advice) -> str:
    return f"{item.module}:{item.line}"


def test_the_walk_finds_hints_of_every_kind() -> None:
    modules = {item.module for item in ADVICE if item.commands}
    assert {
        "edgekit.fit.operators",
        "edgekit.quantization.posttraining",
        "edgekit.model.reader",
    } <= modules


@pytest.mark.parametrize("item", ADVICE, ids=name)
def test_what_a_hint_names_is_there(item: Advice) -> None:
    for command, rest in item.commands:
        if command in SENTENCES:
            continue
        assert command in COMMANDS, item.text
        known = {spelling for each in COMMANDS[command].params for spelling in each.opts}
        asked = set(re.findall(r"(?<!\S)--[a-z-]+", rest))
        assert asked <= known, item.text
        if rest.startswith((" MODEL", " FLOAT_MODEL", " X")):
            needed = {each.opts[0] for each in COMMANDS[command].params if each.required}
            assert {option for option in needed if option.startswith("--")} <= asked, item.text
    if not OTHER_PROGRAMS.search(item.text) and item.module not in {
        "edgekit.cli",
        "edgekit.runtimes.emulator",
        "edgekit.measurement.phone",
    }:
        spellings = {text for each in COMMANDS.values() for one in each.params for text in one.opts}
        assert item.options <= spellings, item.text


@pytest.mark.parametrize("item", ADVICE, ids=name)
def test_no_hint_names_the_command_that_led_to_it(item: Advice) -> None:
    for command, _ in item.commands:
        if command in COMMANDS and (item.module, command) not in NO_CIRCLE:
            assert item.module not in reached(command), item.text


def test_no_circle_is_allowed_that_is_not_there() -> None:
    there = {(item.module, command) for item in ADVICE for command, _ in item.commands}
    assert set(NO_CIRCLE) <= there


@pytest.mark.parametrize(
    ("typed", "hint", "circle"),
    [
        ("convert m.keras --data random --out m", "or: edgekit convert MODEL", True),
        ("emit m.tflite --target t --as arduino", "name the device: --target T", True),
        ("emit m.tflite --as arduino", "name the device: --target T", False),
        ("build m.keras --out a", "choose another: --out DIR", False),
        ("check m.tflite", "edgekit convert MODEL --data DATA --out FILE", False),
        ("bench m.tflite --baud 7", "--baud 115200", False),
        ("init there", "choose another: edgekit init DIR", True),
    ],
)
def test_what_a_circle_is(typed: str, hint: str, circle: bool) -> None:
    assert repeats(typed.split(), hint) is circle


def integer(folder: Path) -> str:
    builder = GraphBuilder((1, 6, 6, 2), seed=1)
    return written(folder, read(builder.build(builder.conv(builder.input, 4, kernel=3))))


def sixteen_bit(folder: Path) -> str:
    """Return a model with an int16 tensor where TFLite-Micro's kernel takes int8 or float32."""
    builder = GraphBuilder((1, 4, 4, 2), seed=1)
    model = read(builder.build(builder.unary("HARD_SWISH", builder.input)))
    return written(folder, with_types(model, "int16"))


def floating(folder: Path) -> str:
    builder = GraphBuilder((1, 4, 4, 2), seed=1)
    model = read(builder.build(builder.unary("LOGISTIC", builder.input)))
    return written(folder, with_types(model, "float32"))


def stateful(folder: Path) -> str:
    return written(folder, with_call(read(Path(integer(folder)).read_bytes())))


def keras(folder: Path) -> str:
    path = folder / "model.keras"
    path.write_bytes(b"PK\x03\x04" + b"model.weights.h5")
    return str(path)


def keras_by_another_name(folder: Path) -> str:
    return str(Path(keras(folder)).rename(folder / "model.tflite"))


def saved_model(folder: Path) -> str:
    (folder / "saved").mkdir()
    (folder / "saved" / "saved_model.pb").write_bytes(b"")
    return str(folder / "saved")


def with_types(model: Model, dtype: str) -> Model:
    tensors = tuple(
        replace(
            tensor, dtype=dtype, quantization=None if dtype == "float32" else tensor.quantization
        )
        for tensor in model.main.tensors
    )
    return replace(model, graphs=(replace(model.main, tensors=tensors),))


def with_call(model: Model) -> Model:
    """Return ``model`` with a CALL_ONCE in front, as a variable's initial value makes one."""
    options = schema.CallOnceOptionsT()
    options.initSubgraphIndex = 1
    call = Operator(index=0, op="CALL_ONCE", version=1, inputs=(), outputs=(), options=options)
    graph = replace(model.main, operators=(call, *model.main.operators))
    return replace(model, graphs=(graph, model.main))


def written(folder: Path, model: Model) -> str:
    path = folder / "model.tflite"
    path.write_bytes(write(model))
    return str(path)


def vectors(folder: Path) -> str:
    np.savez(folder / "d.npz", x=np.zeros((3, 6, 6, 2), np.float32), y=np.zeros(3, np.int64))
    return str(folder / "d.npz")


BAD_CALLS: tuple[tuple[str, Callable[[Path], str], int], ...] = (
    ("emit MODEL --as arduino --target nano-33-ble --out o", sixteen_bit, 1),
    ("emit MODEL --as cmake --target nano-33-ble --out o", stateful, 1),
    ("emit MODEL --as cmake --out o", integer, 2),
    ("emit MODEL --as cmake --target pixel-4 --out o", integer, 2),
    ("emit MODEL --as cmake --target nano-33-ble --arena 4KiB --out o", integer, 2),
    ("emit MODEL --out o", floating, 4),
    ("emit MODEL --out o --run", integer, 2),
    ("emit MODEL --out o --as cmake --run", integer, 2),
    ("emit MODEL --out o --data d.npz --vectors 99", integer, 3),
    ("shrink MODEL --out s.tflite", floating, 4),
    ("shrink MODEL --out s.tflite", stateful, 4),
    ("shrink MODEL --out s.tflite --ram-budget 9KiB", integer, 2),
    ("check MODEL --target nano-33-ble", keras, 3),
    ("check MODEL --target nano-33-ble", saved_model, 3),
    ("check MODEL --target nano-33-bl", integer, 3),
    ("inspect MODEL", keras, 3),
    ("inspect MODEL", keras_by_another_name, 3),
    ("convert MODEL --data random --out c.tflite", integer, 4),
    ("convert MODEL --data random --out c.tflite", keras_by_another_name, 3),
    ("build MODEL", integer, 2),
    ("build MODEL --data random", integer, 4),
    ("build absent", integer, 3),
    ("verify MODEL --data d.npz --confidence 0.95", integer, 2),
    ("bench MODEL --target nano-33-ble", integer, 2),
    ("bench MODEL --target pixel-4 --serial /dev/null", integer, 2),
    ("bench MODEL --target nano-33-ble --serial /dev/null", integer, 2),
    ("bench MODEL --target nano-33-ble --serial absent", integer, 6),
    ("report absent", integer, 3),
    ("reproduce absent", integer, 3),
    ("init there", integer, 2),
)


@pytest.mark.parametrize(
    ("typed", "make", "code"),
    BAD_CALLS,
    ids=[f"{call[0]}, {call[1].__name__}" for call in BAD_CALLS],
)
def test_a_bad_call_is_told_something_else_than_what_was_typed(
    typed: str,
    make: Callable[[Path], str],
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    vectors(tmp_path)
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "edgekit.toml").touch()
    arguments = typed.replace("MODEL", make(tmp_path)).split()
    assert run(arguments) == code
    told = capsys.readouterr().err
    hints = re.findall(r"^hint: (.*)$", told, flags=re.MULTILINE)
    assert hints, told
    for hint in hints:
        assert not repeats(arguments, hint), told


def test_a_variable_is_no_recurrent_layer() -> None:
    """Keras's recurrent layers make WHILE; CALL_ONCE sets up variables (TensorFlow's converter)."""
    builder = GraphBuilder((1, 6, 6, 2), seed=1)
    model = read(builder.build(builder.conv(builder.input, 4, kernel=3)))
    (refused,) = unsupported_operators(with_call(model), load_target("nano-33-ble").runtime)
    assert refused.op == "CALL_ONCE"
    assert "unroll" not in refused.instead
    assert "input" in refused.instead


@pytest.mark.parametrize(
    ("tensor", "method", "hint"),
    [
        ("net/FakeQuantWithMinMaxVars", "qat", 'set [quantize] method = "ptq"'),
        ("net/FakeQuantWithMinMaxVars", "ptq", "before its quantization-aware training"),
        ("net/Sin", "ptq", "replace these operators"),
    ],
)
def test_what_is_left_in_float_has_its_own_remedy(
    tensor: str, method: str, hint: str, tmp_path: Path
) -> None:
    model = read(Path(floating(tmp_path)).read_bytes())
    first, *others = model.main.tensors
    graph = replace(model.main, tensors=(replace(first, name=tensor), *others))
    with pytest.raises(Exception, match="not fully integer") as refusal:
        require_integer(replace(model, graphs=(graph,)), method=method)
    assert hint in str(refusal.value.hint)  # type: ignore[attr-defined]
