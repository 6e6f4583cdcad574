"""The takers of every other file: TOML, samples, images, maps, logs, tables, manifests."""

import contextlib
import io
import json
import tomllib
import zipfile
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from byte_mutations import damaged_bytes, damaged_text, damaged_tree
from file_seeds import (
    BENCHMARK_LOG,
    COST_MODEL,
    LINKER_MAP,
    MEASUREMENTS,
    PROJECT,
    SERIAL_LOG,
    TARGET,
    pictures,
)
from model_subjects import models
from PIL import Image
from report_manifests import failing, hostile, large, passing, random_data
from subjects import Subject

from edgekit.data import samples
from edgekit.data.images import read_images
from edgekit.data.reference import load_vectors
from edgekit.devices import profile
from edgekit.devices.cost_toml import cost_model_toml
from edgekit.devices.lint import lint
from edgekit.errors import EdgekitError
from edgekit.files.toml import decode, read
from edgekit.fit.check import check
from edgekit.fit.latency.measurements import read_measurements
from edgekit.measurement import phone
from edgekit.measurement.linker_map import read_map
from edgekit.measurement.serial_port import whole_report
from edgekit.model.file import ModelFile
from edgekit.pipeline.build import plan
from edgekit.pipeline.plan import to_json as plan_json
from edgekit.project.project import load_project
from edgekit.record.fit import to_json as fits_json
from edgekit.reports import manifest as manifests
from edgekit.reports.diff import diff, to_json
from edgekit.reports.diff_text import render_diff
from edgekit.reports.formats import FORMATS
from edgekit.runtimes.device_report import parse
from edgekit.specs import DataSpec

if TYPE_CHECKING:
    import random


def _project(content: bytes, folder: Path) -> None:
    project = load_project(_written(folder / "edgekit.toml", content))
    json.dumps(plan_json(plan(project)), allow_nan=False)


def _target(content: bytes, folder: Path) -> None:
    path = _written(folder / "board.toml", content)
    lint(str(path))
    fit = check(ModelFile.of(models()[1]), profile.load_target(str(path)))
    json.dumps(fits_json(fit), allow_nan=False)


def _cost_model(content: bytes, folder: Path) -> None:
    path = _written(folder / "core.toml", content)
    model = decode(read(path), profile.CostModel, where=str(path))
    board = replace(profile.load_target("nucleo-l4r5zi"), latency=model)
    json.dumps(fits_json(check(ModelFile.of(models()[1]), board)), allow_nan=False)
    assert decode(tomllib.loads(cost_model_toml(model)), profile.CostModel, where="") is not None


def _samples(content: bytes, folder: Path) -> None:
    _written(folder / "data.npz", content)
    samples._load.cache_clear()
    spec = DataSpec(source="data.npz")
    samples.load_data(spec, directory=folder, input_shape=(3, 2), output_shape=(4,), seed=0)


def _vectors(content: bytes, folder: Path) -> None:
    load_vectors(_written(folder / "vectors.npz", content))


def _images(content: bytes, folder: Path) -> None:
    ending = {b"\x89": "png", b"\xff": "jpg", b"B": "bmp"}.get(content[:1], "png")
    (folder / "photos" / "cat").mkdir(parents=True)
    _written(folder / "photos" / "cat" / f"a.{ending}", content)
    read_images(folder / "photos", input_shape=(8, 8, 3))


def _map(content: bytes, folder: Path) -> None:
    read_map(_written(folder / "a.map", content))


def _serial(content: bytes, folder: Path) -> None:
    del folder
    lines = content.decode("ascii", errors="replace").splitlines()
    with contextlib.suppress(EdgekitError):
        parse(lines)
    whole_report(lines)


def _measurements(content: bytes, folder: Path) -> None:
    _written(folder / "net.tflite", models()[0])
    read_measurements(_written(folder / "times.csv", content), models=(), clock_hz=64_000_000)


def _measured_log(content: bytes, folder: Path) -> None:
    net = _written(folder / "net.tflite", models()[0])
    read_measurements(_written(folder / "log.txt", content), models=(net,), clock_hz=64_000_000)


def _phone(content: bytes, folder: Path) -> None:
    del folder
    phone.parse(content.decode(errors="replace"))


def _reports(content: bytes, folder: Path) -> None:
    manifest = manifests.load(_written(folder / "manifest.json", content))
    for render in FORMATS.values():
        render(manifest).encode()


def _difference(content: bytes, folder: Path) -> None:
    after = manifests.load(_written(folder / "manifest.json", content))
    for pair in ((passing(), after), (after, passing())):
        found = diff(*pair)
        json.dumps(to_json(found), allow_nan=False)
        render_diff(found, width=80, colour=True).encode()


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@cache
def _archives() -> tuple[bytes, ...]:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(40, 3, 2)).astype(np.float32)
    y = rng.integers(0, 4, 40)
    half = {"x_train": x[:30], "y_train": y[:30], "x_test": x[30:], "y_test": y[30:]}
    return tuple(
        _archive(save, arrays)
        for save in (np.savez, np.savez_compressed)
        for arrays in ({"x": x, "y": y}, half, {"x": x.astype(">f8"), "y": y.astype(np.uint8)})
    )


@cache
def _vector_files() -> tuple[bytes, ...]:
    x = np.ones((5, 3, 2), np.float32)
    outputs = np.eye(5, 4, dtype=np.float32)
    plain = {"inputs": x}
    whole = {**plain, "labels": np.arange(5), "float_outputs": outputs, "pruned_outputs": outputs}
    return _archive(np.savez, plain), _archive(np.savez_compressed, whole)


def _archive(save: object, arrays: dict[str, object]) -> bytes:
    stream = io.BytesIO()
    save(stream, **arrays)  # type: ignore[operator]
    return stream.getvalue()


def _damaged_archive(content: bytes, chance: "random.Random") -> bytes:
    """Damage the archive's own bytes, or a member inside of a whole archive."""
    if chance.random() < 0.4:
        return damaged_bytes(content, chance)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    victim = chance.choice(sorted(members))
    data = members.pop(victim)
    data = damaged_text(data[:128], chance) + data[128:] if chance.random() < 0.7 else b""
    names = (victim, victim, victim, f"../{victim}", f"/{victim}", "x.npy", "x", "y.npy")
    members[chance.choice(names)] = data
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", chance.choice((0, 8, 12, 14))) as archive:
        for name, item in members.items():
            archive.writestr(name, item)
    return stream.getvalue()


def _manifests() -> tuple[bytes, ...]:
    made = (passing(), failing(), hostile(), random_data(), large())
    return tuple(json.dumps(item).encode() for item in made)


def _damaged_json(content: bytes, chance: "random.Random") -> bytes:
    if chance.random() < 0.25:
        return damaged_text(content, chance)
    value = json.loads(content)
    for _ in range(chance.choice((1, 1, 2, 5))):
        changed = damaged_tree(value, chance)
        value = changed if isinstance(changed, dict) else value
    return json.dumps(value, indent=chance.choice((None, 1))).encode()


def _damaged_picture(content: bytes, chance: "random.Random") -> bytes:
    if chance.random() < 0.9:
        return damaged_bytes(content, chance)
    stream = io.BytesIO()
    size = chance.choice(((1, 1), (1, 3000), (12000, 1), (4000, 4000)))
    Image.new(chance.choice(("1", "L", "P", "RGB", "RGBA", "I;16")), size).save(stream, "PNG")
    return stream.getvalue()


FILES = (
    Subject(name="project TOML", seeds=lambda: PROJECT, damage=damaged_text, take=_project),
    Subject(name="target TOML", seeds=lambda: TARGET, damage=damaged_text, take=_target),
    Subject(
        name="cost model TOML", seeds=lambda: COST_MODEL, damage=damaged_text, take=_cost_model
    ),
    Subject(name="data .npz", seeds=_archives, damage=_damaged_archive, take=_samples),
    Subject(name="vectors .npz", seeds=_vector_files, damage=_damaged_archive, take=_vectors),
    Subject(name="images", seeds=pictures, damage=_damaged_picture, take=_images, share=5),
    Subject(name="linker map", seeds=lambda: LINKER_MAP, damage=damaged_text, take=_map),
    Subject(name="serial log", seeds=lambda: SERIAL_LOG, damage=damaged_text, take=_serial),
    Subject(
        name="measurements CSV",
        seeds=lambda: MEASUREMENTS,
        damage=damaged_text,
        take=_measurements,
        share=5,
    ),
    Subject(
        name="measured log",
        seeds=lambda: SERIAL_LOG[:1],
        damage=damaged_text,
        take=_measured_log,
        share=5,
    ),
    Subject(
        name="benchmark_model log", seeds=lambda: BENCHMARK_LOG, damage=damaged_text, take=_phone
    ),
    Subject(name="manifest: reports", seeds=_manifests, damage=_damaged_json, take=_reports),
    Subject(name="manifest: diff", seeds=_manifests, damage=_damaged_json, take=_difference),
)
