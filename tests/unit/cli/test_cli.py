import json
import subprocess
import sys
from pathlib import Path

import pytest
from graphs import GraphBuilder

from edgekit.cli import _COMMANDS, run


@pytest.fixture
def model(tmp_path: Path) -> Path:
    builder = GraphBuilder((1, 6, 6, 2), seed=1)
    path = tmp_path / "model.tflite"
    path.write_bytes(builder.build(builder.conv(builder.input, 4, kernel=3)))
    return path


def modules_after(arguments: list[str]) -> set[str]:
    script = (
        "import sys\nfrom edgekit.cli import run\n"
        f"code = run({arguments!r})\n"
        "print('\\n' + ' '.join(sorted(sys.modules)))\nsys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["doctor"]])
def test_the_lightest_commands_import_neither_numpy_nor_tensorflow(arguments: list[str]) -> None:
    loaded = modules_after(arguments)
    assert "edgekit.cli" in loaded
    assert not loaded & {"numpy", "tensorflow", "keras", "tf_keras"}


def test_inspect_imports_no_tensorflow(model: Path) -> None:
    loaded = modules_after(["inspect", str(model)])
    assert "numpy" in loaded
    assert not loaded & {"tensorflow", "keras", "tf_keras", "tflite_micro"}


@pytest.mark.parametrize("command", sorted(_COMMANDS))
def test_every_command_has_help_with_an_example(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([command, "--help"]) == 0
    assert f"edgekit {command}" in capsys.readouterr().out.split("Options:")[0].split("\n", 1)[1]


def test_inspect_prints_one_json_object(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["inspect", str(model), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "edgekit.inspect/1"
    assert document["fully_integer"] is True


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["inspct"], 2, "did you mean 'inspect'?"),
        (["inspect"], 2, "Missing argument"),
        (["inspect", "absent.tflite"], 3, "absent.tflite: no such file"),
        (["inspect", "."], 3, "cannot be read"),
        (["verify", "absent.tflite", "--data", "random"], 3, "no such file"),
    ],
)
def test_bad_calls_get_one_sentence_and_their_exit_code(
    arguments: list[str],
    code: int,
    message: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(arguments) == code
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""


def test_init_writes_a_project_that_is_read_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from edgekit.project.project import load_project

    assert run(["init", str(tmp_path / "new")]) == 0
    project = load_project(tmp_path / "new")
    assert (project.name, project.targets) == ("model", ("nucleo-l4r5zi",))
    assert run(["init", str(tmp_path / "new")]) == 2
    assert "is there already" in capsys.readouterr().err


def test_init_explains_every_key_with_its_default(tmp_path: Path) -> None:
    """Uncommenting all that is commented must give a project file that is taken."""
    from edgekit.project.project import load_project

    run(["init", str(tmp_path)])
    path = tmp_path / "edgekit.toml"
    lines = path.read_text().splitlines()
    uncommented = [
        line.removeprefix("# ") if line.startswith(("# [",)) or " = " in line else line
        for line in lines
    ]
    path.write_text("\n".join(uncommented))
    project = load_project(path)
    assert project.prune is not None
    assert project.train.epochs == 0
