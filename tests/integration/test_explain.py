"""Faults seeded into a real network, converted by the real converter: are they named first?"""

from pathlib import Path

import pytest
import seeded_faults

from edgekit.data.reference import Vectors
from edgekit.explanation.explain import Explanation, explain, taken
from edgekit.model.file import ModelFile
from edgekit.runtimes.process import Worker, silent

pytestmark = pytest.mark.train

CAUSES = {
    "input not rescaled": "unscaled_input",
    "calibrated on raw bytes": "unscaled_input",
    "calibration outlier x100": "calibration_outlier",
    "weight channel x50": "weight_outlier",
    "weight channel x50, one step": "weight_outlier",
    "saturating activation": "saturation",
    "add of unlike scales": "unlike_scales",
    "nan in calibration": "no_calibration",
    "dead channel": "dead_channels",
    "too few samples": "too_few_samples",
}


@pytest.fixture(scope="module")
def seeded() -> dict[str, seeded_faults.Seeded]:
    with Worker("the seeds", search=(Path(seeded_faults.__file__).parent,)) as worker:
        return worker.call(seeded_faults.seed_all, silent)


def explained(seed: seeded_faults.Seeded, *, with_reference: bool) -> Explanation:
    vectors = taken(Vectors(inputs=seed.inputs, labels=seed.labels), 100)
    return explain(
        ModelFile.of(seed.integer),
        vectors,
        reference=ModelFile.of(seed.floating) if with_reference else None,
    )


@pytest.mark.parametrize("with_reference", [True, False])
@pytest.mark.parametrize("fault", CAUSES)
def test_the_fault_is_named_first(
    seeded: dict[str, seeded_faults.Seeded], fault: str, with_reference: bool
) -> None:
    first = explained(seeded[fault], with_reference=with_reference).causes[0]
    assert first.cause == CAUSES[fault]
    if fault == "weight channel x50":
        assert "channel 3 has weights" in first.evidence
        assert first.operator == 0
    if fault == "dead channel":
        assert "1 without weights" in first.evidence


def test_nothing_is_wrong_with_a_healthy_model(seeded: dict[str, seeded_faults.Seeded]) -> None:
    found = explained(seeded["healthy"], with_reference=True)
    assert found.reference is not None
    assert found.reference.value > 0.9
    # Channels that a ReLU keeps at zero are there in many a healthy network.
    assert {item.cause for item in found.causes} <= {"dead_channels"}
    assert not any("without weights" in item.evidence for item in found.causes)
