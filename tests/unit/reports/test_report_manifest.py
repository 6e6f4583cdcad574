import contextlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import report_manifests as manifests
from hypothesis import given
from hypothesis import strategies as st

from edgekit.errors import InputError
from edgekit.reports.manifest import FILE_NAME, SCHEMA, load, read, written
from edgekit.reports.manifest import Manifest as Read

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "value", "bytes", "metric", "target", "runs", "index", "op"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("make", manifests.ALL.values())
def test_every_manifest_made_by_hand_is_read(make: Callable[[], manifests.Manifest]) -> None:
    assert isinstance(read(make()), Read)


@pytest.mark.parametrize("make", manifests.ALL.values(), ids=manifests.ALL)
def test_what_is_written_of_a_manifest_is_read_as_the_same(
    make: Callable[[], manifests.Manifest],
) -> None:
    found = read(make())
    again = read(json.loads(json.dumps(written(found))))

    stages = tuple(replace(item, seconds=None, reused=False) for item in found.stages)
    assert again == replace(found, stages=stages)


def test_null_and_absent_are_the_same() -> None:
    bare = manifests.minimal()
    nulls = dict.fromkeys(manifests.passing()) | bare

    assert read(nulls) == read(bare)


def test_tuples_are_arrays_and_unknown_keys_are_let_pass() -> None:
    found = read(manifests.minimal() | {"labels": ("a", "b"), "invented_later": {"x": 1}})

    assert found.labels == ("a", "b")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": None}, "the manifest has no 'name'"),
        (
            {"accuracy": {"metric": "accuracy", "int8": 1.5, "samples": 9}},
            "the manifest is wrong: the accuracy is 1.5, not from 0 to 1",
        ),
        (
            {"accuracy": {"metric": "mean_absolute_error", "int8": 1.5, "samples": -9}},
            "the manifest is wrong: the number of samples is -9",
        ),
        ({"passed": "yes"}, "'passed' is 'yes', not true or false"),
        ({"model": {"bytes": "many"}}, "'model.bytes' is 'many', not a whole number"),
        ({"model": {"bytes": True}}, "'model.bytes' is True, not a whole number"),
        ({"sparsity": float("nan")}, "'sparsity' is nan, not a finite number"),
        ({"stages": [{"notes": []}]}, "has no 'stages[0].name'"),
        ({"stages": "load"}, "'stages' is 'load', not an array"),
        ({"data": []}, "'data' is [], not an object"),
        ({"schema": "edgekit.build/9"}, "'schema' is 'edgekit.build/9', not 'edgekit.build/1'"),
        (
            {"targets": [{"target": "t", "runs": True, "fits": True, "arena_bytes": {"value": 1}}]},
            "has no 'targets[0].arena_bytes.unit'",
        ),
    ],
)
def test_a_wrong_value_is_named_with_its_place(change: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(manifests.minimal() | change)

    assert message in caught.value.message


def test_a_predicted_figure_without_a_band_is_refused() -> None:
    manifest = manifests.passing()
    manifest["targets"][0]["arena_bytes"]["low"] = None

    with pytest.raises(InputError, match="needs a band"):
        read(manifest)


@given(st.dictionaries(st.sampled_from(list(manifests.passing())), _JSON))
def test_whatever_stands_in_a_manifest_it_is_read_or_refused(values: dict[str, object]) -> None:
    with contextlib.suppress(InputError):
        read(manifests.minimal() | values | {"schema": SCHEMA})


def test_a_run_is_loaded_from_its_folder_or_its_file(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    path.write_text(json.dumps(manifests.passing()), encoding="utf-8")

    assert load(tmp_path) == load(path) == manifests.passing()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such manifest"),
        (b"{", "is not JSON"),
        (b"[]", "not a JSON object"),
        (b"\xff", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
    ],
)
def test_what_is_no_manifest_is_refused(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / FILE_NAME).write_bytes(content)

    with pytest.raises(InputError, match=message):
        load(tmp_path)
