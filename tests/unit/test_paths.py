"""What takes a path takes it as a text or as a `Path`."""

import inspect
from pathlib import Path

import pytest
from graphs import GraphBuilder

import edgekit
from edgekit.errors import InputError, UsageError


def test_what_takes_a_path_takes_a_text() -> None:
    functions = {name: getattr(edgekit, name) for name in edgekit.__all__}
    paths = {
        f"{name}({parameter.name})": str(parameter.annotation)
        for name, function in functions.items()
        if inspect.isfunction(function)
        for parameter in inspect.signature(function).parameters.values()
        if "Path" in str(parameter.annotation)
    }
    assert len(paths) > 10
    assert [where for where, kind in paths.items() if "str | " not in kind] == []


def test_paths_as_texts_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    builder = GraphBuilder((1, 4), seed=1)
    content = builder.build(builder.fully_connected(builder.input, 3))
    Path("net.tflite").write_bytes(content)
    Path("words.txt").write_text("no map and no log")
    edgekit.init("project")
    assert edgekit.emit("net.tflite", out="c", project="project/edgekit.toml").files
    with pytest.raises(InputError, match=r"words\.txt: this is no linker map"):
        edgekit.check("net.tflite", targets=("pico",), map_file="words.txt")
    with pytest.raises(InputError, match=r"words\.txt: holds neither"):
        edgekit.bench("net.tflite", target="pico", log="words.txt")
    with pytest.raises(InputError, match=r"none\.tflite: no such file"):
        edgekit.verify("net.tflite", data="random", reference="none.tflite")
    with pytest.raises(InputError, match=r"none\.tflite: no such file"):
        edgekit.explain("net.tflite", data="random", reference="none.tflite")
    with pytest.raises(UsageError, match=r"c is a folder, not a file"):
        edgekit.convert("net.keras", data="random", out="c")
