"""Files of strangers: no code of theirs runs, none grows without end, none leads elsewhere."""

import io
import os
import pickle
import struct
import sys
import zipfile
import zlib
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import get_type_hints

import numpy as np
import pytest
from graphs import GraphBuilder
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from edgekit.data import npz
from edgekit.data.images import read_images
from edgekit.data.npz import read_arrays
from edgekit.data.sources import read_source
from edgekit.data.validation import validation_vectors
from edgekit.devices.profile import CostModel, Cycles, Target
from edgekit.errors import InputError, ToolError, UnsupportedModelError
from edgekit.files.source import module_folders
from edgekit.files.toml import decode
from edgekit.files.toml import read as read_toml
from edgekit.fit.latency.measurements import read_measurements
from edgekit.measurement import phone
from edgekit.measurement.serial_port import whole_report
from edgekit.model.file import ModelFile
from edgekit.project import user_function
from edgekit.project.project import Project
from edgekit.quantity import parse_bytes
from edgekit.specs import DataSpec
from edgekit.training.load.foreign_code import refuse_code, refuse_operations
from edgekit.training.load.foreign_files import h5_description, keras_description, keras_records


class Marker:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self._path,)


def archive(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            made.writestr(name, content)
    return path


def npy(shape: str, data: bytes, *, descr: str = "'<f4'") -> bytes:
    """An array file whose header says ``shape``, whatever the data are."""
    head = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}".encode()
    head += b" " * (-(len(head) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + data


def test_a_pickled_array_is_not_opened(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    np.savez(tmp_path / "a.npz", x=np.array([Marker(marker)], dtype=object), y=np.zeros(1))
    with pytest.raises(InputError, match="holds pickled Python objects") as refused:
        read_source(DataSpec(source="a.npz"), directory=tmp_path, input_shape=(1,), seed=0)
    assert "[data] trusted = true" in str(refused.value.hint)
    assert not marker.exists()
    pickle.loads(pickle.dumps(Marker(marker)))
    assert marker.exists()  # it would have run


def test_a_trusted_pickle_gives_its_samples(tmp_path: Path) -> None:
    rows = np.empty(4, dtype=object)
    rows[:] = [np.full(3, float(index)) for index in range(4)]
    np.savez(tmp_path / "a.npz", x=rows)
    spec = DataSpec(source="a.npz", trusted=True)
    found = read_source(spec, directory=tmp_path, input_shape=(3,), seed=0)
    assert found.samples.x.tolist() == [[0.0] * 3, [1.0] * 3, [2.0] * 3, [3.0] * 3]


@pytest.mark.parametrize(
    "content",
    [
        npy("(1000000, 1000000)", bytes(16)),  # 4 TB that are not there
        npy("(4,)", bytes(12)),
        npy("(-4,)", bytes(16)),
        npy("(4", bytes(16)),
        npy("(4,)", bytes(16), descr="'<f9'"),
        npy("(4,), 'more': __import__('os')", bytes(16)),
        b"\x93NUMPY\x09\x00" + bytes(20),
        b"",
    ],
)
def test_an_array_that_is_not_what_its_header_says(tmp_path: Path, content: bytes) -> None:
    path = archive(tmp_path / "a.npz", {"x.npy": content})
    with pytest.raises(InputError, match="damaged .npz file"):
        read_arrays(path, ("x",))


def test_an_archive_that_unpacks_to_more_than_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = archive(tmp_path / "a.npz", {"x.npy": npy("(1000000,)", bytes(4_000_000))})
    assert path.stat().st_size < 10_000
    monkeypatch.setattr(npz, "machine_memory_bytes", lambda: 1_000_000)
    with pytest.raises(InputError, match="its arrays take 3.8 MiB, this machine has 976.6 KiB"):
        read_arrays(path, ("x",))
    assert read_arrays(path, ("y",))[1] == ("x",)  # what is not wanted is not unpacked


def test_names_of_members_are_never_paths(tmp_path: Path) -> None:
    array = npy("(1,)", bytes(4))
    members = {"../x.npy": array, "/tmp/x.npy": array, "x.npy": array}
    path = archive(tmp_path / "a.npz", members)
    found, names = read_arrays(path, ("x",))
    assert list(found) == ["x"]
    assert names == ("../x", "/tmp/x", "x")
    assert [item.name for item in tmp_path.rglob("*")] == ["a.npz"]


def png(width: int, height: int) -> bytes:
    """A picture that says it is so large, with nothing in it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def gif() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "GIF")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (gif(), "cannot be read as an image"),  # Pillow would: any of its many readers
        (png(60_000, 60_000), "unpacks to more than"),
        (png(11_000, 11_000), "unpacks to more than"),  # Pillow itself would warn and go on
        (png(8, 8), "cannot be read as an image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "cannot be read as an image"),
    ],
)
def test_a_picture_that_harms(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "a.png").write_bytes(content)
    with pytest.raises(InputError, match=reason):
        read_images(tmp_path, input_shape=(8, 8, 3))


def test_a_pipe_among_the_pictures_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    os.mkfifo(tmp_path / "cat" / "a.png")
    Image.new("RGB", (8, 8)).save(tmp_path / "cat" / "b.png")
    (images, _), _ = read_images(tmp_path, input_shape=(8, 8, 3))
    assert len(images) == 1


@pytest.mark.parametrize("text", ["seed = " + "9" * 5000, "a = " + "[" * 5000, "x" * 2**21, "\0"])
def test_settings_that_are_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "edgekit.toml"
    path.write_text(text)
    with pytest.raises(InputError):
        read_toml(path)


def test_settings_from_a_device_without_end() -> None:
    with pytest.raises(InputError, match="is larger than 1,048,576 B"):
        read_toml(Path("/dev/zero"))


def test_numbers_beyond_any() -> None:
    with pytest.raises(InputError, match="beyond any"):
        parse_bytes("9" * 400 + "MiB")
    with pytest.raises(InputError, match="cycles.call is nan"):
        Cycles(
            convolution=1, pointwise=1, depthwise=1, fully_connected=1, output_element=1,
            call=float("nan"),
        )  # fmt: skip


def test_logs_that_are_slow_to_read_by_design() -> None:
    """Each took minutes with a pattern that tries every place in every way."""
    words = "Inference timings in us:" * 100_000
    assert not phone.is_report(words)
    rows = "\n".join(["a" + " " * 998] * 2000)
    summary = "count=1 first=1 min=1 max=1\n\nInference timings in us: x, Inference (avg): 5\n"
    runs = "Operator-wise Profiling Info for Regular Benchmark Runs:\n"
    assert phone.parse(summary + runs + rows).operators == ()
    with pytest.raises(ToolError):
        whole_report(["@edgekit operator index=0 op=A ticks=1"] * 200_000)


def test_a_table_with_a_field_without_an_end(tmp_path: Path) -> None:
    path = tmp_path / "times.csv"
    path.write_text('model,latency_ms\nnet.tflite,"' + "1" * 200_000)
    with pytest.raises(InputError, match="is no table"):
        read_measurements(path, models=(), clock_hz=1)


def test_a_hook_is_of_the_project_alone(tmp_path: Path) -> None:
    for source in ("os:getcwd", "subprocess:Popen", "edgekit.api:build", "numpy.random:rand"):
        with pytest.raises(InputError, match=f"no module '{source.split(':')[0]}'"):
            user_function.find(source, tmp_path, what="the data")


def test_modules_beside_a_strangers_data_are_not_imported(tmp_path: Path) -> None:
    """A worker would take them for its own, were the folder on its import path."""
    marker = tmp_path / "ran"
    for name in ("numpy", "sitecustomize", "edgekit", "json"):
        (tmp_path / f"{name}.py").write_text(f"open({str(marker)!r}, 'w').close()\n")
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "data.npz", x=rng.normal(size=(20, 4)), y=rng.integers(0, 2, 20))
    builder = GraphBuilder((1, 4), seed=0)
    content = builder.build(builder.fully_connected(builder.input, 2))
    found = validation_vectors(
        ModelFile.of(content).model, DataSpec(source="data.npz"), directory=tmp_path, seed=0
    )
    assert len(found.vectors.inputs) == 20
    assert not marker.exists()
    assert module_folders(tmp_path, "data.npz", "", "data:load") == (tmp_path,)


def test_a_hook_with_the_name_of_another_module_says_so(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("def load():\n    return 1\n")
    with pytest.raises(InputError, match="module 'json' is .*, not one of the project") as refused:
        user_function.find("json:load", tmp_path, what="the data")
    assert refused.value.hint == "give the file in the project another name"


def test_two_projects_in_one_process_keep_their_hooks_apart(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "hostile_hook.py").write_text(f"def load():\n    return {name!r}\n")
    try:
        found = [
            user_function.call("hostile_hook:load", tmp_path / name, what="the data")
            for name in ("one", "two", "one")
        ]
    finally:
        sys.modules.pop("hostile_hook", None)
    assert found == ["one", "two", "one"]


CODE = [
    {"class_name": "Lambda", "config": {"name": "twice"}},
    {"class_name": "layers.Lambda", "module": "keras"},
    {
        "class_name": "X",
        "registered_name": "Lambda",
        "module": "keras.src.layers.core.lambda_layer",
    },
    {"class_name": "TimeDistributed", "config": {"layer": {"class_name": "Lambda"}}},
    {"class_name": "Any", "function_type": "lambda"},
    {"class_name": "__lambda__", "config": {"code": "4wAAAA=="}},
    {"class_name": "function", "config": "system", "module": "os"},
    {"class_name": "function", "config": "exec", "module": "builtins"},
    {"class_name": "function", "config": "get_file", "module": "keras.utils"},
    {"class_name": "function", "config": "load_model", "module": "keras.models"},
    {"class_name": "Popen", "module": "subprocess", "config": {}},
    {"class_name": "eval", "module": "builtins"},
    {"class_name": "TFSMLayer", "config": {"filepath": "/tmp/other"}},
    {"class_name": "TorchModuleWrapper", "config": {}},
    {"class_name": "TFOpLambda", "config": {"name": "w", "function": "io.write_file"}},
    {"class_name": "TFOpLambda", "config": {"name": "w", "function": "compat.v1.py_func"}},
    {"class_name": "TFOpLambda", "config": {"name": "w", "function": "raw_ops.WriteFile"}},
    {"class_name": "ClassMethod", "config": {"cls_symbol": "saved_model.load"}},
]


@pytest.mark.parametrize("layer", CODE, ids=lambda layer: str(layer)[:60])
def test_code_in_a_configuration_of_keras(layer: object, tmp_path: Path) -> None:
    config = {"class_name": "Functional", "config": {"layers": [{"a": [layer]}]}}
    with pytest.raises(UnsupportedModelError):
        refuse_code(config, tmp_path)


@pytest.mark.parametrize(
    "layer",
    [
        {"class_name": "Dense", "module": "keras.layers", "config": {"activation": "relu"}},
        {"class_name": "Dense", "config": {"activation": "relu"}},
        {"class_name": "DTypePolicy", "module": "keras", "registered_name": None},
        {"class_name": "function", "config": "gelu", "module": "builtins"},
        {
            "class_name": "function",
            "config": "relu6",
            "module": "keras.src.activations.activations",
        },
        {"class_name": "TFOpLambda", "config": {"name": "tf.math.add", "function": "math.add"}},
        {"class_name": "TFOpLambda", "config": {"function": "__operators__.add"}},
        {"class_name": "TFOpLambda", "config": {"function": "compat.v1.transpose"}},
        {"class_name": "TFOpLambda", "config": {"function": "reshape"}},
        {"class_name": "__tuple__", "items": [1, 2]},
        {"class_name": "MaxNorm", "module": "keras.constraints", "config": {"axis": 0}},
    ],
    ids=str,
)
def test_what_real_models_hold_is_let_pass(layer: object, tmp_path: Path) -> None:
    refuse_code({"class_name": "Functional", "config": {"layers": [layer]}}, tmp_path)


def test_a_saved_model_that_writes_files(tmp_path: Path) -> None:
    refuse_operations(b"\x12\x06Conv2D\x12\x09RestoreV2", tmp_path)
    with pytest.raises(UnsupportedModelError, match="the operation WriteFile"):
        refuse_operations(b"\x12\x06Conv2D\x12\x09WriteFile", tmp_path)


def test_keras_records_hide_no_layer(tmp_path: Path) -> None:
    """JSON may write a name with escapes: it is read as JSON, not searched as text."""
    text = b'{"class_name":"\\u004cambda","config":{"name":"f"}}'
    held = b"\x2a" + bytes([len(text)]) + text
    (tmp_path / "keras_metadata.pb").write_bytes(b"\x0a" + bytes([len(held)]) + held)
    (record,) = keras_records(tmp_path / "keras_metadata.pb")
    with pytest.raises(UnsupportedModelError, match="layer 'f' is a Lambda"):
        refuse_code(record, tmp_path)


def test_an_archive_of_keras_with_names_that_lead_out(tmp_path: Path) -> None:
    for name in ("../../evil.py", "/etc/evil", "a/../../evil", "C:\\evil", "..\\evil"):
        path = archive(tmp_path / "a.keras", {name: b"x", "config.json": b"{}"})
        with pytest.raises(InputError, match="leads out of it"):
            keras_description(path)


def test_weights_that_lie_in_other_files(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(range(16)))
    for name in ("link", "soft", "external"):
        with h5py.File(tmp_path / f"{name}.h5", "w") as file:
            file.attrs["model_config"] = "{}"
            group = file.create_group("model_weights")
            if name == "link":
                group["kernel"] = h5py.ExternalLink(str(secret), "/")
            elif name == "soft":
                group["kernel"] = h5py.SoftLink("/elsewhere")
            else:
                group.create_dataset("kernel", (16,), "u1", external=[(str(secret), 0, 16)])
        with pytest.raises(InputError, match="another"):
            h5_description(tmp_path / f"{name}.h5")


def test_an_archive_may_not_be_one(tmp_path: Path) -> None:
    path = tmp_path / "a.keras"
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as made:
        made.writestr("config.json", "[" * 100_000)
        made.writestr("metadata.json", "{}")
    path.write_bytes(stream.getvalue())
    with pytest.raises(InputError, match="not a Keras model"):
        keras_description(path)


def keys_of(cls: type) -> list[str]:
    """Every key that the dataclass and those in it know: values alone are left to chance."""
    found = []
    for kind in (cls, *(hint for hint in get_type_hints(cls).values() if is_dataclass(hint))):
        found += [field.name for field in fields(kind)]
    return found


def values(keys: list[str]) -> st.SearchStrategy[object]:
    scalars = st.one_of(
        *(st.booleans(), st.integers(), st.floats(), st.text(), st.dates(), st.times()),
        st.sampled_from(["1KiB", "20ms", "120MHz", "int8", "ptq", "auto", "a:b", "../x", "\0"]),
    )
    return st.recursive(
        scalars,
        lambda inner: st.one_of(
            st.lists(inner, max_size=4),
            st.dictionaries(st.sampled_from(keys) | st.text(max_size=5), inner, max_size=5),
        ),
        max_leaves=12,
    )


@pytest.mark.parametrize("cls", [Project, Target, CostModel])
@settings(max_examples=20)
@given(data=st.data())
def test_any_table_is_decoded_or_refused(cls: type, data: st.DataObject) -> None:
    """Whatever TOML can hold under the keys that there are: never an exception of another kind."""
    keys = keys_of(cls)
    table = data.draw(st.dictionaries(st.sampled_from(keys), values(keys), max_size=8))
    given_fields = {"directory": Path("/x")} if cls is Project else {"name": "x"}
    try:
        decode(table, cls, where="file", given={} if cls is CostModel else given_fields)
    except InputError as error:
        assert error.message.startswith("file: ")
