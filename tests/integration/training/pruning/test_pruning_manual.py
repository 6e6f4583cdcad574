"""What docs/pruning.md prints runs as printed."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from edgekit.model.integer import require_integer
from edgekit.model.reader import load
from edgekit.specs import PruneSpec

MANUAL = Path(__file__).parents[4] / "docs" / "pruning.md"


def test_the_manual_names_every_key() -> None:
    text = MANUAL.read_text()
    missing = [key for key in PruneSpec.__dataclass_fields__ if f"`{key}`" not in text]
    assert missing == ["block", "n_by_m"]  # explained beside the granularity of their name


@pytest.mark.train
def test_the_callbacks_run_as_printed(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", MANUAL.read_text(), re.DOTALL)
    check = "\nassert abs(history.history['sparsity'][-1] - 0.75) < 0.005\n"
    subprocess.run([sys.executable, "-c", code + check], check=True, cwd=tmp_path)
    require_integer(load(tmp_path / "best.tflite"))
    events = b"".join(path.read_bytes() for path in (tmp_path / "logs").glob("*/events.*"))
    for name in (b"epoch_sparsity", b"epoch_predicted_arena_bytes", b"epoch_int8_accuracy"):
        assert name in events  # TensorBoard takes val_ off and keeps the set in its folder's name
