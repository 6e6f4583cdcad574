import signal
import subprocess
import sys

INTERRUPT_THE_IMPORT = """\
import os, signal, sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "edgekit.cli":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Finder())
sys.argv = ["edgekit", "--version"]
from edgekit.__main__ import main
main()
"""


def started(how: "signal.Handlers") -> "subprocess.CompletedProcess[str]":
    """Start the command line with a Ctrl-C in the middle of its imports."""
    return subprocess.run(
        [sys.executable, "-c", INTERRUPT_THE_IMPORT],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: signal.signal(signal.SIGINT, how),
    )


def test_ctrl_c_while_modules_are_imported_is_one_line() -> None:
    done = started(signal.SIG_DFL)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "error: interrupted\n")


def test_ctrl_c_stays_ignored_where_the_shell_ignores_it() -> None:
    done = started(signal.SIG_IGN)
    assert (done.returncode, done.stderr) == (0, "")
