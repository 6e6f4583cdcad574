import subprocess
import sys

import edgekit


def test_importing_edgekit_is_light_and_its_functions_are_there() -> None:
    script = (
        "import sys, edgekit; assert 'numpy' not in sys.modules; "
        "import edgekit.verification.verify, edgekit.model.inspection; "
        "assert all(callable(getattr(edgekit, name)) for name in edgekit.__all__); "
        "assert 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_each_command_has_its_function() -> None:
    from edgekit.cli import _COMMANDS

    without = {"targets", "report", "diff"}  # they print or compare
    assert set(_COMMANDS) - without <= set(edgekit.__all__)
