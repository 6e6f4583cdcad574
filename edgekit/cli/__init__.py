"""The command line: parse, call one function, print, exit. One module a command."""

import importlib
import traceback
from typing import NoReturn

import click

from edgekit.cli.output import report_error, set_quiet, set_verbose
from edgekit.errors import EdgekitError, UsageError, suggestion
from edgekit.version import __version__

_COMMANDS = {
    "bench": "Measure a model on a board or a phone.",
    "build": "From a Keras model to verified firmware files.",
    "check": "Say whether a model runs on a device and fits.",
    "compare": "Build many variants of a model and name the cheapest that fits.",
    "convert": "Quantize a trained model after its training.",
    "diff": "Show what changed between two runs, with limits that fail.",
    "doctor": "Show what is installed, missing, or not as tested.",
    "emit": "Write a model as C for firmware.",
    "explain": "Say which operator costs accuracy, why, and what to try.",
    "init": "Write a project file to start from.",
    "inspect": "Show operators, MACs, tensors and sizes of a .tflite.",
    "report": "Show a finished run as text, HTML, JSON, markdown, JUnit or annotations.",
    "reproduce": "Build a run again and compare every file.",
    "sensitivity": "Show what each layer loses when it alone is pruned.",
    "shrink": "Make a model smaller without changing an output.",
    "targets": "Device profiles.",
    "verify": "Run a model on each runtime and compare.",
}
"""Each command is the function of its name in ``edgekit.cli.<name>``."""


class _Commands(click.Group):
    """Commands imported when they are called, so that ``--help`` is light."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _COMMANDS:
            raise UsageError(
                f"no command is called '{cmd_name}'", hint=suggestion(cmd_name, _COMMANDS)
            )
        module = importlib.import_module(f"edgekit.cli.{cmd_name}")
        command = getattr(module, cmd_name)
        assert isinstance(command, click.Command)
        for item in _leaves(command):
            if not any("--quiet" in parameter.opts for parameter in item.params):
                item.params += _common_options()
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(sorted(_COMMANDS.items()))


def _leaves(command: click.Command) -> list[click.Command]:
    """Return the commands that do something: the command, or those below it."""
    return list(command.commands.values()) if isinstance(command, click.Group) else [command]


def _common_options() -> list[click.Parameter]:
    """Return what every command takes."""
    return [
        click.Option(
            ["-q", "--quiet"],
            is_flag=True,
            expose_value=False,
            callback=lambda _context, _option, value: set_quiet(value=value),
            help="Show no progress.",
        ),
        click.Option(
            ["-v", "--verbose"],
            is_flag=True,
            expose_value=False,
            callback=lambda _context, _option, value: set_verbose(value=value),
            help="Tell the source of each figure, and on stderr what goes on.",
        ),
    ]


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="edgekit")
def edgekit() -> None:
    """From a Keras model to verified firmware.

    \b
    edgekit build examples/digits
    edgekit inspect model.tflite
    """


def main() -> NoReturn:
    """Run the command line and exit with its code."""
    raise SystemExit(run())


def run(arguments: list[str] | None = None) -> int:  # noqa: PLR0911  one return an exit code
    """Run one command and return its exit code."""
    try:
        outcome = edgekit.main(arguments, standalone_mode=False)
    except EdgekitError as error:
        report_error(error.message, hint=error.hint)
        return error.exit_code
    except click.ClickException as error:
        report_error(error.format_message(), hint=None)
        return UsageError.exit_code
    except (KeyboardInterrupt, click.Abort):
        report_error("interrupted", hint=None)
        return 130
    except (BrokenPipeError, SystemExit):  # the reader of our output has had enough
        return 0
    except OSError as error:
        report_error(f"{error.filename or 'the system'}: {error.strerror}", hint=None)
        return 3
    except Exception:  # noqa: BLE001  a bug of ours: told with all that helps to find it
        traceback.print_exc()
        report_error("this is a bug of edgekit; please report the lines above", hint=None)
        return EdgekitError.exit_code
    return outcome if isinstance(outcome, int) else 0
