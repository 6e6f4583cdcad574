import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from graphs import GraphBuilder

from edgekit.cli import run
from edgekit.emission.golden_vectors import golden_vectors, random_inputs
from edgekit.model.file import ModelFile
from edgekit.model.reader import read

TARGET = "nucleo-l4r5zi"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    builder = GraphBuilder((1, 6, 6, 2), seed=1)
    x = builder.average_pool(builder.conv(builder.input, 4, kernel=3), size=6)
    path = tmp_path / "my-net.tflite"
    path.write_bytes(builder.build(builder.softmax(builder.reshape(x, (1, 4)))))
    return path


def refusal(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    code = run(["emit", *map(str, arguments)])
    return code, capsys.readouterr().err


def test_files_below_the_folder(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = model.parent / "firmware"
    assert run(["emit", str(model), "--out", str(out), "--target", TARGET, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "edgekit.emit/1"
    written = {path.name for path in out.iterdir()} - {".edgekit-emitted.json"}
    assert {file["path"] for file in document["files"]} == written
    assert all((out / file["path"]).stat().st_size == file["bytes"] for file in document["files"])
    assert document["arena_bytes"]["kind"] == "predicted"
    assert document["vectors"] == 2
    assert document["run"] is None
    assert (out / "my_net_selftest.c").is_file()
    assert (
        f"#define MY_NET_MODEL_BYTES {model.stat().st_size}\n"
        in (out / "my_net_model.h").read_text()
    )


def test_people_see_each_file_and_where_the_arena_comes_from(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = model.parent / "firmware"
    arguments = ["emit", str(model), "--as", "cmake", "--out", str(out), "--arena", "20KiB"]
    assert run([*arguments, "--vectors", "0"]) == 0
    printed = capsys.readouterr().out
    assert "CMakeLists.txt" in printed
    assert "arena: 20,480 B, declared\n" in printed
    assert run([*arguments, "--vectors", "0", "-v"]) == 0
    assert "arena: 20,480 B, declared: --arena 20KiB\n" in capsys.readouterr().out
    assert not list(out.rglob("*selftest*"))


def test_golden_vectors_are_what_tflite_micro_gives(model: Path) -> None:
    content = model.read_bytes()
    inputs = random_inputs(ModelFile.of(content).model, 3, seed=0)
    assert inputs[0].dtype == np.int8
    assert inputs[0].shape == (3, 6, 6, 2)
    vectors = golden_vectors(ModelFile.of(content), inputs, origin="random inputs")
    assert vectors.outputs[0].shape == (3, 4)
    # a softmax's outputs add up to 1: 256 steps of 1/256 above the zero point -128
    assert np.abs(vectors.outputs[0].astype(int).sum(-1) + 4 * 128 - 256).max() <= 4
    assert vectors.source.startswith("random inputs; outputs of TFLite-Micro's wheel 0.")


def test_vectors_of_data_are_stored_as_the_input_stores_them(model: Path) -> None:
    graph = read(model.read_bytes()).main
    quantization = graph.tensors[graph.inputs[0]].quantization
    assert quantization is not None
    steps = np.arange(72).reshape(1, 6, 6, 2)
    x = (steps * quantization.scales[0]).astype(np.float32).repeat(8, axis=0)
    np.savez(model.parent / "data.npz", x=x, y=np.arange(8) % 4)
    out = model.parent / "firmware"
    arguments = ["emit", str(model), "--out", str(out), "--vectors", "1"]
    assert run([*arguments, "--data", str(model.parent / "data.npz")]) == 0
    text = (out / "my_net_vectors.c").read_text()
    numbers = text.split("= {\n    {\n")[1].split("}")[0].replace(",", " ").split()
    assert [int(number) for number in numbers] == [
        step + int(quantization.zero_points[0]) for step in range(72)
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--name", "my-net"], 2, "'my-net' is not a C identifier"),
        (["--name", "class"], 2, "'class' is a keyword of C or C++"),
        (["--as", "cmakes"], 2, "no format is called 'cmakes'"),
        (["--as", "cmake"], 2, "a cmake project needs the size of the tensor arena"),
        (["--arena", "64"], 3, "'64' is not a size"),
        (["--target", "nucleo-l4r5z"], 3, "no target is called 'nucleo-l4r5z'"),
        (["--target", "pixel-4"], 2, "pixel-4 runs litert"),
        (["--target", TARGET, "--arena", "1KiB"], 2, "--target and --arena both give"),
        (["--run"], 2, "--run builds cmake projects, not c-array"),
        (["--as", "cmake", "--run"], 2, "--run needs TFLite-Micro's sources"),
        (["--as", "cmake", "--run", "--tflm", "x", "--board", "mps9"], 3, "called 'mps9'"),
        (["--vectors", "-1"], 2, "-1 is not in the range"),
        (["--data", "none.npz"], 3, "none.npz"),
    ],
)
def test_refusals_are_one_sentence_and_write_nothing(
    model: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    out = model.parent / "firmware"
    found, printed = refusal(capsys, model, "--out", out, *arguments)
    assert message in printed
    assert found == code
    assert "Traceback" not in printed
    assert sorted(path.name for path in model.parent.iterdir()) == ["my-net.tflite"]


def test_more_vectors_than_data(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = model.parent / "data.npz"
    np.savez(data, x_test=np.zeros((3, 6, 6, 2)), y_test=np.zeros(3, int),
             x_train=np.zeros((3, 6, 6, 2)), y_train=np.zeros(3, int))  # fmt: skip
    out = model.parent / "firmware"
    code, printed = refusal(capsys, model, "--out", out, "--vectors", 9, "--data", data)
    assert code == 3
    assert "9 vectors are asked for" in printed
    assert "holds 3 samples" in printed
    assert not out.exists()


def test_a_folder_with_other_files(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, printed = refusal(capsys, model, "--out", model.parent)
    assert code == 2
    assert "holds other files, such as my-net.tflite" in printed
    code, printed = refusal(capsys, model, "--out", model)
    assert code == 2
    assert "is a file, not a folder" in printed


def test_a_float_model(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    builder = GraphBuilder((1, 4))
    output = builder.logistic(builder.input)
    builder.tensors = [
        replace(tensor, dtype="float32", quantization=None) for tensor in builder.tensors
    ]
    model.write_bytes(builder.build(output))
    code, printed = refusal(capsys, model, "--out", model.parent / "firmware")
    assert code == 4
    assert "the model is not fully integer" in printed
    assert not (model.parent / "firmware").exists()


def test_a_model_with_float_activations_is_refused_before_it_runs(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    builder = GraphBuilder((1, 4))
    output = builder.fully_connected(builder.input, 2)
    builder.tensors = [
        replace(tensor, dtype="float32", quantization=None) if tensor.data is None else tensor
        for tensor in builder.tensors
    ]
    model.write_bytes(builder.build(output))
    code, printed = refusal(capsys, model, "--out", model.parent / "firmware")
    assert code == 4
    assert "the model is not fully integer: tensor 'input_0' is float32" in printed
    assert "edgekit convert FLOAT_MODEL --data DATA --out FILE" in printed


def test_a_target_whose_flash_is_too_small(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from edgekit.devices.profile import profile_paths

    board = model.parent / "small.toml"
    text = profile_paths()[TARGET].read_text()
    board.write_text(text.replace('total = "2MiB"', 'total = "1KiB"'))
    code, printed = refusal(
        capsys, model, "--target", board, "--as", "cmake", "--out", model.parent / "firmware"
    )
    assert code == 1
    assert "flash" in printed
    assert not (model.parent / "firmware").exists()


def test_a_tree_that_is_none(
    model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgekit.runtimes.emulator.shutil.which", lambda tool: tool)
    out = model.parent / "firmware"
    code, printed = refusal(
        capsys, model, "--as", "cmake", "--arena", "9KiB", "--out", out, "--run",
        "--tflm", model.parent,
    )  # fmt: skip
    assert code == 5
    assert "is no TFLite-Micro tree" in printed
    assert "create_tflm_tree.py" in printed
    assert not out.exists()


def test_a_missing_tool(
    model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "edgekit.runtimes.emulator.shutil.which", lambda tool: None if "qemu" in tool else tool
    )
    code, printed = refusal(
        capsys, model, "--as", "cmake", "--arena", "9KiB", "--out", model.parent / "firmware",
        "--run", "--tflm", model.parent,
    )  # fmt: skip
    assert code == 5
    assert "qemu-system-arm is not installed" in printed
    assert "apt-get install -y --no-install-recommends qemu-system-arm" in printed


def test_a_batch_of_eight_has_no_vectors(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    builder = GraphBuilder((8, 4))
    model.write_bytes(builder.build(builder.logistic(builder.input)))
    code, printed = refusal(capsys, model, "--out", model.parent / "firmware")
    assert code == 4
    assert "has a batch of 8, and vectors need 1" in printed
    assert run(["emit", str(model), "--out", str(model.parent / "fw"), "--vectors", "0"]) == 0


def test_without_tflite_micro_s_wheel(
    model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgekit.runtimes.tflm.find_spec", lambda _: None)
    code, printed = refusal(capsys, model, "--out", model.parent / "firmware")
    assert code == 5
    assert "pip install --pre tflite-micro, or emit without a self-test: --vectors 0" in printed


def test_a_full_disk_leaves_nothing(
    model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("edgekit.files.whole_files.os.fsync", full)
    code, _ = refusal(capsys, model, "--out", model.parent / "firmware", "--vectors", 0)
    assert code == 3
    assert sorted(path.name for path in model.parent.iterdir()) == ["my-net.tflite"]
