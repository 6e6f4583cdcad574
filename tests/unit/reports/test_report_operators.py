"""The table of operators: times of the target that fits best, noise by index."""

import pytest
import report_manifests as manifests

from edgekit.reports import html
from edgekit.reports.manifest import read
from edgekit.reports.operators import operator_table


def test_times_are_those_of_the_target_that_fits_best_and_add_up_to_its_latency() -> None:
    table = operator_table(read(manifests.passing()))
    assert table.timed is not None
    assert table.timed.latency_ms is not None
    times = [row.milliseconds for row in table.rows]
    assert sum(filter(None, times)) == pytest.approx(table.timed.latency_ms.value)
    assert [row.sqnr_db for row in table.rows] == [43.2, 31.5, 30.25, 30.25, 28.0, 27.5, 26.0]


def test_without_a_latency_and_noise_the_page_has_no_such_columns() -> None:
    manifest = manifests.changed(manifests.passing(), targets=[], noise=[])
    table = operator_table(read(manifest))
    assert (table.timed, table.has_noise, len(table.rows)) == (None, False, 7)
    page = html.render(manifest)
    assert "SQNR" not in page
    assert "SQNR" in html.render(manifests.passing())


def test_times_of_another_model_are_not_shown() -> None:
    manifest = manifests.passing()
    for fit in manifest["targets"]:
        fit["operator_ms"] = fit["operator_ms"][1:]
    assert operator_table(read(manifest)).timed is None


def test_a_manifest_of_a_version_without_these_is_read() -> None:
    manifest = manifests.passing()
    del manifest["noise"]
    for fit in manifest["targets"]:
        del fit["operator_ms"]
    assert operator_table(read(manifest)).timed is None
