import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
import report_manifests as manifests

from edgekit.reports.schema import manifest_schema

PUBLISHED = Path(__file__).parents[3] / "docs" / "manifest.schema.json"


@pytest.fixture(scope="module")
def published() -> jsonschema.Draft202012Validator:
    schema = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_the_published_schema_is_that_of_the_code() -> None:
    assert PUBLISHED.read_text(encoding="utf-8") == json.dumps(manifest_schema(), indent=2) + "\n"


@pytest.mark.parametrize("make", manifests.ALL.values(), ids=manifests.ALL)
def test_every_manifest_made_by_hand_is_valid(
    published: jsonschema.Draft202012Validator, make: Callable[[], manifests.Manifest]
) -> None:
    published.validate(make())


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "edgekit.build/2"},
        {"passed": "yes"},
        {"model": {"bytes": 1.5}},
        {"stages": [{"notes": ["loaded"]}]},
        {"findings": [{"gate": "flash", "passed": True}]},
        {"targets": [{"target": "t", "runs": True, "fits": True, "arena_bytes": {"value": 1}}]},
    ],
)
def test_a_wrong_manifest_is_not(
    published: jsonschema.Draft202012Validator, change: dict[str, object]
) -> None:
    assert not published.is_valid(manifests.minimal() | change)
