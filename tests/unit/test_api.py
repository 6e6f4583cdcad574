"""What `edgekit.<tab>` offers: it is light, it is all there, and each command has its function."""

import ast
import inspect
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import click
import pytest
from reference_pages import leaves

import edgekit
from edgekit import errors, specs
from edgekit.emission.emit import EmulatorSpec
from edgekit.quantity import parse_bytes, parse_microseconds

SOURCE = Path(edgekit.__file__)
COMMANDS = dict(leaves())
FUNCTIONS = {
    **{name: name for name in COMMANDS},
    "sensitivity prune": "sensitivity",
    "targets calibrate": "calibrate_target",
    "targets lint": "lint_targets",
    "targets list": "targets",
    "targets show": "target",
}
"""The function of each command."""

FOR_A_TERMINAL = {"as_json"}
FOR_A_PROGRAM = {"watch", "width", "colour"}  # what the command line does by `-q` and its terminal
WITH_UNITS: Mapping[tuple[str, str], tuple[str, Callable[[str], float]]] = {
    ("bench", "timeout"): ("timeout_seconds", lambda text: parse_microseconds(text) / 1e6),
    ("shrink", "ram_budget"): ("ram_budget_bytes", parse_bytes),
}
"""Sizes and times are typed with their unit; a parameter has it in its name."""

AS_ONE_VALUE = {"emit": ({"run", "tflm", "board"}, "emulator", EmulatorSpec)}
"""Options that go together are one value."""

NEEDED_BY_THE_COMMAND = {("convert", "data"), ("convert", "out"), ("shrink", "out")}
"""A function that is told no file writes none: its result has the ``content``.

A model in memory may have its ranges already."""


def test_importing_edgekit_is_light_and_its_functions_are_there() -> None:
    script = (
        "import sys, edgekit; dir(edgekit); edgekit.PruneSpec, edgekit.doctor, edgekit.InputError; "
        "assert not {'numpy', 'tensorflow', 'keras'} & set(sys.modules); "
        "import edgekit.verification.verify, edgekit.model.inspection; "
        "assert all(callable(getattr(edgekit, name)) for name in edgekit.__all__); "
        "assert not {'tensorflow', 'keras'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_all_names_are_offered_and_found() -> None:
    assert set(edgekit.__all__) <= set(dir(edgekit))
    for name in dir(edgekit):
        assert hasattr(edgekit, name), name
    with pytest.raises(AttributeError, match="no attribute 'biuld'"):
        edgekit.__getattr__("biuld")


def test_type_checkers_see_what_is_there() -> None:
    guarded = next(node for node in ast.parse(SOURCE.read_text()).body if isinstance(node, ast.If))
    seen = {
        alias.name: node.module
        for node in guarded.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if node.module != "edgekit"
    }
    homes = {name: home for home, names in edgekit._HOMES.items() for name in names}
    assert seen == homes
    assert set(homes) == set(edgekit.__all__)


def test_every_error_and_every_table_of_a_project_is_offered() -> None:
    kinds = {item.__name__ for item in vars(errors).values() if inspect.isclass(item)}
    tables = {name for name in specs.__all__ if inspect.isclass(getattr(specs, name))}
    assert (kinds | tables) - {"Converted"} <= set(edgekit.__all__)


def returned(function: Callable[..., object]) -> set[str]:
    """Return the names in what a function says that it returns."""
    hint = str(inspect.signature(function).return_annotation)
    return {part for part in edgekit.__all__ if part in hint.replace("'", "")}


@pytest.mark.parametrize("name", COMMANDS)
def test_what_a_command_s_function_returns_is_offered(name: str) -> None:
    plain = {"init", "report", "targets lint"}  # paths, a text, sentences
    assert returned(getattr(edgekit, FUNCTIONS[name])) or name in plain


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_its_function_with_the_same_options(name: str) -> None:
    command, function = COMMANDS[name], getattr(edgekit, FUNCTIONS[name])
    taken = dict(inspect.signature(function).parameters)
    asked = {str(item.name): item for item in command.params if item.expose_value}
    together, one, kind = AS_ONE_VALUE.get(name, (set(), "", object))
    for option in asked.keys() - FOR_A_TERMINAL - together:
        parameter, meaning = WITH_UNITS.get((name, option), (option, None))
        assert parameter in taken, option
        default = taken.pop(parameter).default
        if asked[option].required:
            missing = None if (name, option) in NEEDED_BY_THE_COMMAND else inspect.Parameter.empty
            assert default is missing, option
            continue
        usual = defaults(command)[option]
        assert default == (meaning(usual) if meaning and usual is not None else usual), option
    if one:
        assert taken.pop(one).default is None
        assert together <= {"run", *(item for item in kind.__annotations__)}
    assert set(taken) <= FOR_A_PROGRAM


def defaults(command: click.Command) -> dict[str, object]:
    """Return what each option is that is not given, as a function would be given it."""
    values = command.make_context(command.name, [], resilient_parsing=True).params
    return {
        name: str(value) if isinstance(value, Path) else value for name, value in values.items()
    }


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_calls_its_function(name: str) -> None:
    function = FUNCTIONS[name]
    (home,) = (home for home, names in edgekit._HOMES.items() if function in names)
    tree = ast.parse((SOURCE.parent / "cli" / f"{name.split(maxsplit=1)[0]}.py").read_text())
    called = {
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        if isinstance(node.func, ast.Name)
    }
    local = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == home
        for alias in node.names
        if alias.name == function
    }
    assert local & called


def test_no_folder_of_the_wheel_is_called_after_a_public_name() -> None:
    import tomllib

    project = tomllib.loads((SOURCE.parents[1] / "pyproject.toml").read_text())
    placed = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"].values()
    assert not {Path(place).parts[1] for place in placed} & set(edgekit.__all__)


PAGES = [SOURCE.parents[1] / "README.md", *sorted((SOURCE.parents[1] / "docs").glob("*.md"))]
CALLS = [
    (page.name, call)
    for page in PAGES
    for call in re.findall(r"edgekit\.[a-z_]+\([^`\n]*\)", page.read_text())
]


@pytest.mark.parametrize(("page", "call"), CALLS)
def test_a_call_in_the_documents_is_one(page: str, call: str) -> None:
    tree = ast.parse(call, mode="eval").body
    called = (
        tree
        if isinstance(tree, ast.Call)
        else next(node for node in ast.walk(tree) if isinstance(node, ast.Call))
    )
    assert isinstance(called.func, ast.Attribute)
    function = getattr(edgekit, called.func.attr)
    inspect.signature(function).bind(
        *called.args, **{str(item.arg): item.value for item in called.keywords}
    )


def test_the_documents_have_calls() -> None:
    assert {page for page, _ in CALLS} >= {"README.md", "compare.md", "python.md"}
