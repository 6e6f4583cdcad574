import json
from pathlib import Path

import pytest
import report_manifests as manifests

from edgekit.errors import UsageError
from edgekit.quantity import Quantity
from edgekit.reports.allowance import parse_allowances
from edgekit.reports.diff import Difference, diff, to_json
from edgekit.reports.diff_text import render_diff

OPTIONS = {"prune": {"sparsity": 0.75, "epochs": 4}, "quantize": {"method": "qat"}}


def two_runs() -> tuple[manifests.Manifest, manifests.Manifest]:
    """Two builds that differ in the sparsity that was asked, and in what follows from it."""
    before, after = manifests.passing(), manifests.passing()
    before["options"] = OPTIONS
    after["options"] = OPTIONS | {"prune": {"sparsity": 0.5, "epochs": 4}}
    after["accuracy"]["int8"] = 0.9800
    after["model"]["bytes"] += 984
    after["tensors"][4]["bytes"] += 984
    after["tensors"][0]["bytes"] -= 10
    after["targets"][0]["arena_bytes"]["value"] = 11264 + 2048
    return before, after


def held(limits: str) -> Difference:
    before, after = two_runs()
    return diff(before, after, allowances=parse_allowances(limits))


def test_the_one_option_that_differs_is_named() -> None:
    (setting,) = diff(*two_runs()).settings

    assert (setting.key, setting.before, setting.after) == ("options.prune.sparsity", 0.75, 0.5)


def test_a_run_is_no_different_from_itself() -> None:
    found = diff(manifests.passing(), manifests.passing())

    assert found.settings == ()
    assert found.causes == ()
    assert {change.difference for change in found.changes} == {0.0}


def test_the_tensor_that_grew_is_named_before_the_one_that_shrank() -> None:
    causes = [item for item in diff(*two_runs()).causes if item.measure == "model"]

    assert [(item.name, item.difference) for item in causes] == [
        ("conv2d_2/Conv2D", 984),
        ("conv2d/Conv2D", -10),
    ]


def test_an_accuracy_that_moved_names_the_operators_that_round_more() -> None:
    before, after = two_runs()
    assert len(before["noise"]) > 2
    after["noise"] = [dict(item) for item in before["noise"]]
    after["noise"][1]["sqnr_db"] = before["noise"][1]["sqnr_db"] - 12.5
    after["noise"][2]["sqnr_db"] = None
    (cause,) = [item for item in diff(before, after).causes if item.measure == "accuracy"]
    assert cause.name == f"{before['noise'][1]['index']} {before['noise'][1]['op']}"
    assert (cause.difference, cause.unit) == (pytest.approx(-12.5), "dB")
    after["accuracy"]["int8"] = before["accuracy"]["int8"]
    assert not [item for item in diff(before, after).causes if item.measure == "accuracy"]


@pytest.mark.parametrize(
    ("limits", "passes"),
    [
        ("accuracy:-0.5pt", False),  # 98.89 to 98.00 is 0.89 points
        ("accuracy:-0.9pt", True),
        ("accuracy:-0.89pt", True),  # the limit itself, but for a rounding in binary
        ("model:+2%", False),  # 984 of 22,016 is 4.5 %
        ("model:+5%", True),
        ("model:+984B", True),
        ("model:+983B", False),
        ("arena:+1KiB", False),
        ("arena:+2KiB", True),
        ("flash:+0%", True),
        ("macs:+0", True),
        ("latency:+1us", True),
        ("sparsity:-1pt", True),
        (" accuracy : -5 pt , arena:+2KiB", True),
        ("accuracy:-5pt,arena:+1KiB", False),
    ],
)
def test_a_change_is_held_against_what_is_allowed(limits: str, passes: bool) -> None:
    assert held(limits).passed is passes


def test_a_figure_is_held_on_every_target_that_has_it() -> None:
    findings = held("arena:+1KiB").findings

    assert [(item.target, item.passed) for item in findings] == [
        ("nucleo-l4r5zi", False),
        ("nano-33-ble", True),
    ]
    assert findings[0].message == (
        "arena on nucleo-l4r5zi went from 11 KiB to 13 KiB; arena:+1KiB is allowed"
    )


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ("accuracy", "'accuracy' says not how far"),
        ("accuracy:0.5pt", "says not how far"),
        ("", "says not how far"),
        ("accuracy:-0.5pt,", "says not how far"),
        ("acuracy:-1pt", "no figure called|neither run has a figure called 'acuracy'"),
        ("accuracy:-1KiB", "accuracy is held in pt or %"),
        ("accuracy:-1", "accuracy is held in pt or %"),
        ("model:+1parsec", "not a size"),
        ("model:+1", "not a size"),
        ("latency:+1KiB", "not a time"),
        ("macs:+1KiB", "macs is held in % or a plain number"),
    ],
)
def test_a_limit_that_cannot_be_held_is_refused(limits: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        held(limits)


def test_a_figure_that_one_run_lacks_cannot_pass_by_its_absence() -> None:
    before, after = two_runs()
    after["accuracy"] = None

    with pytest.raises(UsageError, match="the second run does not have it"):
        diff(before, after, allowances=parse_allowances("accuracy:-1pt"))


def test_without_targets_flash_is_the_file_and_the_arena_is_the_plans() -> None:
    bare = manifests.changed(manifests.passing(), targets=[])
    found = {change.measure: change.after for change in diff(bare, bare).changes}

    assert found["flash"] == found["model"]
    assert isinstance(found["arena"], Quantity)
    assert found["arena"].value == 3072


def test_json_has_each_change_with_its_difference() -> None:
    document = json.loads(json.dumps(to_json(held("arena:+1KiB"))))

    arena = next(item for item in document["changes"] if item["measure"] == "arena")
    assert (arena["target"], arena["difference"]) == ("nucleo-l4r5zi", 2048)
    assert document["passed"] is False
    assert document["settings"] == [{"key": "options.prune.sparsity", "before": 0.75, "after": 0.5}]


def test_the_difference_is_as_it_was_read_and_approved() -> None:
    golden = Path(__file__).parents[2] / "golden" / "report" / "diff.txt"

    assert render_diff(held("accuracy:-0.5pt,flash:+2%,arena:+1KiB")) == golden.read_text(
        encoding="utf-8"
    )


def test_digests_and_long_lists_are_told_by_their_beginning() -> None:
    before, after = two_runs()
    before["data"] |= {"sha256": "a" * 64, "calibration_indices": list(range(140))}
    after["data"] |= {"sha256": "b" * 64, "calibration_indices": list(range(7, 147))}
    page = render_diff(diff(before, after))

    rows = [line.split() for line in page.splitlines() if line.startswith(" data.")]
    indices = "0, 1, 2, 3, 4, … (140 in all) 7, 8, 9, 10, 11, … (140 in all)"
    assert rows == [
        ["data.calibration_indices", *indices.split()],
        ["data.sha256", "a" * 12, "b" * 12],
    ]


def test_names_in_a_difference_steer_no_terminal() -> None:
    page = render_diff(diff(manifests.passing(), manifests.hostile()))

    assert "\x1b" not in page
    assert max(map(len, page.splitlines())) <= 96


def test_pruning_that_one_run_lacks_is_told_without_its_defaults() -> None:
    before, after = manifests.passing(), manifests.passing()
    before["options"] = {"prune": None}
    prune = {"sparsity": 0.75, "epochs": 6, "block": [4, 4], "schedule": "polynomial"}
    after["options"] = {"prune": prune}
    told = {item.key: (item.before, item.after) for item in diff(before, after).settings}
    assert told == {"options.prune.sparsity": (None, 0.75), "options.prune.epochs": (None, 6)}
    back = {item.key: (item.before, item.after) for item in diff(after, before).settings}
    assert back == {key: (b, a) for key, (a, b) in told.items()}
