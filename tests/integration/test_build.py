"""Builds of small models: each kind of source, each refusal, interruption."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from edgekit import errors
from edgekit.cli import run

pytestmark = pytest.mark.train

MODEL = """\
import keras

def make():
    keras.utils.set_random_seed(1)
    return keras.Sequential([
        keras.Input((4, 4, 1)),
        keras.layers.Conv2D(4, 3, activation="relu"),
        keras.layers.Flatten(),
        keras.layers.Dense(2, activation="softmax"),
    ])

def custom():
    class Doubled(keras.layers.Layer):
        def compute_output_shape(self, shape):
            return shape
        def call(self, inputs):
            raise RuntimeError("two times nothing")
    return keras.Sequential([keras.Input((4, 4, 1)), Doubled(name="doubled")])

def nothing():
    return None

def regression():
    keras.utils.set_random_seed(1)
    return keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(1)])
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.py").write_text(MODEL)
    generator = np.random.default_rng(0)
    y = generator.integers(0, 2, 200)
    x = generator.normal(size=(200, 4, 4, 1)) + y[:, None, None, None]
    np.savez(tmp_path / "data.npz", x=x.astype(np.float32), y=y)
    np.savez(tmp_path / "nan.npz", x=np.where(x > 2, np.nan, x), y=y)
    np.savez(tmp_path / "empty.npz", x=x[:0], y=y[:0])
    np.savez(tmp_path / "shape.npz", x=x[:, :3], y=y)
    np.savez(tmp_path / "text.npz", x=np.full(x.shape, "a"), y=y)
    np.savez(tmp_path / "labels.npz", x=x, y=y + 5)
    (tmp_path / "not_keras.keras").write_bytes(b"PK not a model")
    (tmp_path / "text.h5").write_text("no model")
    return tmp_path


def test_a_model_and_data_alone_give_a_run(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["build", "model:make", "--data", "data.npz", "--target", "nano-33-ble"]
    assert run([*arguments, "--out", "run", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "edgekit.build/1"
    assert document["passed"] is True
    assert document["run_directory"] == "run"
    assert document["model"]["fully_integer"] is True
    assert document["targets"][0]["arena_bytes"]["kind"] in {"predicted", "host"}
    assert document["accuracy"]["samples"] == 40
    assert all(stage["seconds"] > 0 for stage in document["stages"])
    written = {path.name for path in (folder / "run").iterdir()}
    assert written >= {"c", "manifest.json", "model.tflite", "report.html", "vectors.npz"}


def test_every_kind_of_source_and_of_input_is_built(folder: Path) -> None:
    from PIL import Image

    save = (
        "import os; os.environ['KERAS_BACKEND'] = 'tensorflow'; from model import make; "
        "net = make(); net.save('net.keras'); net.save('net.h5'); net.export('net', verbose=False)"
    )
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    subprocess.run([sys.executable, "-c", save], check=True, capture_output=True, env=environment)
    generator = np.random.default_rng(0)
    for name in ("dark", "light"):
        (folder / "images" / name).mkdir(parents=True)
        for number in range(12):
            pixels = generator.integers(0, 100, (5, 5), np.uint8) + 100 * (name == "light")
            Image.fromarray(pixels.astype(np.uint8)).save(
                folder / "images" / name / f"{number}.png"
            )
    results = {}
    for source, data, io in (
        ("net.keras", "data.npz", "int8"),
        ("net.h5", "images", "uint8"),
        ("net", "data.npz", "float32"),
    ):
        (folder / "edgekit.toml").write_text(
            f'[model]\nsource = "{source}"\nname = "net_{io}"\n[data]\nsource = "{data}"\n'
            f'[quantize]\nio = "{io}"\n'
        )
        assert run(["build"]) == 0, (source, data, io)
        manifest = json.loads((folder / f"build/net_{io}/manifest.json").read_text())
        results[io] = manifest
        assert manifest["model"]["inputs"][0]["dtype"] == io
        assert manifest["verification"]["runtimes"][1]["samples"] > 0
    accuracies = [results[io]["accuracy"]["float"] for io in ("int8", "float32")]
    assert accuracies[0] == accuracies[1]  # the same network, as .keras and as SavedModel


def test_random_data_claim_no_accuracy(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["build", "model:make", "--data", "random", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["accuracy"] is None
    assert document["data"]["is_random"] is True
    assert any("random" in warning for warning in document["warnings"])
    assert "random" in (folder / "build/model/report.html").read_text()


def test_a_missed_limit_is_exit_code_1_with_the_files_written(folder: Path) -> None:
    (folder / "edgekit.toml").write_text(
        'targets = ["nano-33-ble"]\n[model]\nsource = "model:make"\n'
        '[data]\nsource = "data.npz"\n[limits]\nflash = "1KiB"\n'
    )
    assert run(["build"]) == 1
    document = json.loads((folder / "build/model/manifest.json").read_text())
    assert document["passed"] is False
    (missed,) = [item for item in document["findings"] if not item["passed"]]
    assert missed["gate"] == "flash"
    assert (folder / "build/model/c/model_model.c").is_file()


def test_the_python_function_does_the_same(folder: Path) -> None:
    import edgekit

    result = edgekit.build("model:make", data="data.npz", targets=("nano-33-ble",))
    assert result.passed
    assert (result.directory / "model.tflite").is_file()


@pytest.mark.parametrize(
    ("model", "data", "code", "message"),
    [
        ("absent.keras", "data.npz", 3, "absent.keras: no such file"),
        ("not_keras.keras", "data.npz", 3, "not a Keras model"),
        ("text.h5", "data.npz", 3, "not a Keras model"),
        ("model:absent", "data.npz", 3, "absent"),
        ("model:nothing", "data.npz", 3, "not a Keras model"),
        ("model:custom", "data.npz", 4, "layer 'doubled' (Doubled): two times nothing"),
        ("model:make", "absent.npz", 3, "absent.npz: no such file"),
        ("model:make", "nan.npz", 3, "NaN"),
        ("model:make", "empty.npz", 3, "no samples"),
        ("model:make", "shape.npz", 3, "(3, 4, 1)"),
        ("model:make", "text.npz", 3, "not numbers"),
        ("model:make", "labels.npz", 3, "labels run from 5 to 6"),
    ],
)
def test_bad_input_is_one_sentence_with_its_exit_code(
    folder: Path,
    model: str,
    data: str,
    code: int,
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["build", model, "--data", data, "--out", "run"]) == code
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error
    assert not (folder / "run" / "manifest.json").exists()


def test_without_tensorflow_the_install_line_is_given(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A finder in the worker that hides TensorFlow, as on a machine without it.
    (folder / "sitecustomize.py").write_text(
        "import importlib.util\n"
        "real = importlib.util.find_spec\n"
        "def hide(name, package=None):\n"
        "    return None if name == 'tensorflow' else real(name, package)\n"
        "importlib.util.find_spec = hide\n"
    )
    assert run(["build", "model:make", "--data", "random"]) == 5
    error = capsys.readouterr().err
    assert "TensorFlow is not installed" in error
    assert 'pip install "edgekit[train]"' in error


def test_an_existing_folder_with_other_files_is_left_alone(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "mine").mkdir()
    (folder / "mine" / "thesis.txt").write_text("precious")
    assert run(["build", "model:make", "--data", "random", "--out", "mine"]) == 2
    assert "--out DIR" in capsys.readouterr().err
    assert [path.name for path in (folder / "mine").iterdir()] == ["thesis.txt"]


def test_ctrl_c_is_exit_code_130_and_the_next_call_finishes(folder: Path) -> None:
    command = [sys.executable, "-m", "edgekit", "build", "model:make", "--data", "data.npz"]
    with subprocess.Popen(
        [*command, "--out", "run"],
        stderr=subprocess.PIPE,
        start_new_session=True,
        # A shell in the background has it ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    ) as process:
        assert process.stderr is not None
        for _ in range(600):  # until the first stage is finished
            if (folder / "run" / "stages" / "load").exists():
                break
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGINT)
        error = process.stderr.read().decode()
        assert process.wait() == 130
    assert "interrupted" in error
    assert not (folder / "run" / "manifest.json").exists()
    assert run(["build", "model:make", "--data", "data.npz", "--out", "run"]) == 0
    document = json.loads((folder / "run" / "timings.json").read_text())
    assert document["stages"][0]["reused"] is True


def test_a_full_disk_is_one_sentence_and_nothing_half_written(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("edgekit.pipeline.file_stages.write_bytes", full)
    assert run(["build", "model:make", "--data", "random", "--out", "run"]) == 3
    assert "the disk is full" in capsys.readouterr().err
    assert not (folder / "run" / "manifest.json").exists()
    assert not (folder / "run" / "model.tflite").exists()


def test_random_data_cannot_train(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "edgekit.toml").write_text(
        '[model]\nsource = "model:make"\n[data]\nsource = "random"\n[prune]\nsparsity = 0.5\n'
    )
    assert run(["build"]) == errors.InputError.exit_code
    assert "random data cannot train" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        ('ram = "1KiB"', "limits.ram can be held on a target alone"),
        ('latency = "1us"', "limits.latency can be held on a target alone"),
        ("accuracy_drop = -1", "limits.accuracy_drop is -1"),
    ],
)
def test_a_limit_that_nothing_would_be_held_against_is_refused(
    folder: Path, limit: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "edgekit.toml").write_text(
        f'[model]\nsource = "model:make"\n[data]\nsource = "data.npz"\n[limits]\n{limit}\n'
    )
    assert run(["build", "--plan"]) == 3
    assert message in capsys.readouterr().err


def test_whole_numbers_to_come_near_to_are_no_classes_and_new_data_are_seen(folder: Path) -> None:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(100, 4, 4, 1)).astype(np.float32)
    (folder / "data.py").write_text(
        "from pathlib import Path\nimport numpy as np\n"
        "def load():\n    return dict(np.load(Path(__file__).with_name('numbers.npz')))\n"
    )
    values = []
    for factor in (1, 2):
        np.savez(folder / "numbers.npz", x=x, y=np.arange(100) * 4000 * factor)
        (folder / "edgekit.toml").write_text(
            '[model]\nsource = "model:regression"\n[data]\nsource = "data:load"\n'
            '[limits]\nflash = "1MiB"\n'
        )
        assert run(["build"]) == 0
        manifest = json.loads((folder / "build/model/manifest.json").read_text())
        assert manifest["accuracy"]["metric"] == "mean_absolute_error"
        assert [item["gate"] for item in manifest["findings"]].count("flash") == 1
        values.append(manifest["accuracy"]["float"])
    assert values[1] == pytest.approx(2 * values[0], rel=0.01)  # the data doubled, and it shows
