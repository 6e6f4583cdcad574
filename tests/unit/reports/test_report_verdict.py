import pytest
import report_manifests as manifests

from edgekit.reports import verdict
from edgekit.reports.manifest import read


def test_the_missed_limits_come_first_and_say_by_how_much() -> None:
    found = verdict.limits(read(manifests.failing()))

    assert [limit.finding.passed for limit in found] == [False] * 4 + [True] * 4
    drop, flash = found[0], found[1]
    assert (drop.found, drop.limit, drop.margin) == ("4.45 pt", "1 pt", "missed by 3.45 pt")
    # 99,912 of 65,536 bytes: 34,376 too many, which is 33.57 KiB.
    assert (flash.limit, flash.margin) == ("64 KiB", "missed by 33.6 KiB")
    assert flash.used == pytest.approx(99_912 / 65_536)


def test_a_limit_that_holds_says_what_is_left() -> None:
    drop = verdict.limits(read(manifests.passing()))[0]

    assert (drop.found, drop.margin) == ("0.28 pt", "0.72 pt to spare")


def test_a_rounding_in_binary_does_not_turn_a_limit_around() -> None:
    manifest = manifests.passing()
    manifest["findings"][0]["value"]["value"] = 0.98 - 0.97  # a little over 0.01
    drop = verdict.limits(read(manifest))[0]

    assert drop.margin == "0 pt to spare"
    assert drop.used == pytest.approx(1)


def test_a_limit_from_below_has_no_share_that_is_used() -> None:
    gate = manifests.finding(
        "sparsity",
        passed=False,
        message="too few zeros",
        value=manifests.quantity(0.5, "sparsity", "host", "the file"),
        limit=0.75,
    )
    (limit,) = verdict.limits(read(manifests.minimal() | {"findings": [gate]}))

    assert (limit.found, limit.limit, limit.margin) == ("50.0 %", "75.0 %", "missed by 25 pt")
    assert limit.used is None


def test_each_limit_is_listed_once_though_the_manifest_holds_it_twice() -> None:
    assert len(verdict.limits(read(manifests.passing()))) == 5


def test_targets_are_ranked_by_fit_and_then_by_what_they_have_to_spare() -> None:
    found = [row.fit.target for row in verdict.ranked(read(manifests.failing()))]

    assert found == ["nucleo-l4r5zi", "nano-33-ble", "tiny-board", "old-firmware"]


def test_a_targets_tightest_limit_is_the_one_of_which_most_is_used() -> None:
    row = verdict.ranked(read(manifests.passing()))[0]

    # Flash 99,912 of 2,097,152 is 4.76 %, the arena 11,264 of 655,360 is 1.72 %.
    assert row.tightest == pytest.approx(99_912 / 2_097_152)
    limits = {item.title: item.limit and item.limit.limit for item in row.figures}
    assert limits["Flash, model and code"] == "2 MiB"
    assert limits["Tensor arena"] == "640 KiB"
    assert limits["RAM, arena and interpreter"] is None


def test_of_two_limits_on_one_figure_the_tighter_is_shown() -> None:
    manifest = manifests.passing()
    fit = manifest["targets"][0]
    own = fit["findings"][0] | {"limit": 131_072, "message": "the project's limit"}
    for findings in ([own, *fit["findings"]], [*fit["findings"], own]):
        row = verdict.ranked(read(manifest | {"targets": [fit | {"findings": findings}]}))[0]

        assert row.figures[0].limit is not None
        assert row.figures[0].limit.limit == "128 KiB"


def test_of_many_limits_that_hold_the_tightest_are_shown() -> None:
    gates = [
        manifests.finding(
            "flash",
            passed=True,
            message=str(limit),
            value=manifests.quantity(100, "B", "host", "the file"),
            limit=limit,
            target="board",
        )
        for limit in range(1000, 100, -50)
    ]
    found = verdict.limits(read(manifests.minimal() | {"findings": gates}))

    assert [limit.finding.limit for limit in verdict.short_list(found)] == list(range(150, 550, 50))


def test_without_a_size_of_the_code_the_model_alone_is_held() -> None:
    manifest = manifests.passing()
    fit = manifest["targets"][0]
    fit |= {"code_bytes": None, "flash_bytes": None, "ram_bytes": fit["arena_bytes"]}
    fit["findings"][0]["value"] = fit["model_bytes"]
    row = verdict.ranked(read(manifest | {"targets": [fit]}))[0]

    assert [item.title for item in row.figures] == [
        "Flash, the model alone",
        "Tensor arena",
        "Latency",
    ]
    assert row.figures[0].limit is not None


def test_the_headline_is_the_story_in_a_few_sentences() -> None:
    assert verdict.headline(read(manifests.passing())) == (
        "The int8 model reaches 98.9 % accuracy, 0.28 pt worse than the float model.",
        "The file takes 21.5 KiB and 75.0 % of the pruned weights are zero.",
        "It fits all 2 targets.",
    )


def test_zeros_that_went_with_their_channels_are_not_claimed_to_be_there() -> None:
    manifest = manifests.passing()
    manifest["model"]["zero_weight_fraction"] = 0.01  # of the shrunken file; 75 % were pruned
    assert verdict.headline(read(manifest))[1] == (
        "The file takes 21.5 KiB, without the 75.0 % of the weights that pruning set to zero."
    )


def test_the_headline_of_a_failure_names_what_was_missed() -> None:
    first = verdict.headline(read(manifests.failing()))[0]

    assert first == (
        "4 of 8 limits are missed: accuracy drop, "
        "flash on tiny-board, ram on tiny-board and 1 more."
    )


def test_a_limit_missed_on_two_runtimes_is_named_once() -> None:
    manifest = manifests.minimal()
    gate = manifests.finding("accuracy_drop", passed=False, message="on litert")
    manifest["findings"] = [gate, gate | {"message": "on tflite-micro"}]

    assert verdict.headline(read(manifest))[0] == "2 of 2 limits are missed: accuracy drop."


def test_data_without_labels_claim_no_accuracy() -> None:
    manifest = manifests.passing()
    manifest |= {"accuracy": None, "data": manifest["data"] | {"has_labels": False}}

    assert verdict.headline(read(manifest))[0] == "The data have no labels: no accuracy is claimed."


def test_random_data_claim_no_accuracy() -> None:
    sentences = " ".join(verdict.headline(read(manifests.random_data())))

    assert "no accuracy is claimed" in sentences
    assert "reaches" not in sentences


def test_few_zeros_in_all_do_not_mean_that_channels_went() -> None:
    manifest = manifests.passing()
    manifest |= {"channels_removed": False}
    manifest["model"]["zero_weight_fraction"] = 0.01  # one small layer was pruned
    assert verdict.headline(read(manifest))[1] == (
        "The file takes 21.5 KiB and 75.0 % of the pruned weights are zero."
    )
