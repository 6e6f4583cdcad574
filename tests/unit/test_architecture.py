"""Imports go one way, a floor a room, and TensorFlow stands behind one door."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "edgekit"
PAGE = (ROOT / "docs" / "architecture.md").read_text()

# From the top: a room imports from the floors below its own, and from no other room of its floor.
# docs/architecture.md says what lies where, in a table that is held to this one.
FLOORS = (
    ("__main__",),
    ("cli",),
    ("api",),
    ("comparison",),
    ("pipeline",),
    ("reports", "emission", "explanation", "callbacks"),
    ("training", "verification", "fit"),
    ("data", "measurement", "quantization", "shrinking"),
    ("runtimes",),
    ("model",),
    ("project",),
    ("specs", "devices"),
    ("numerics",),
    ("record",),
    ("files",),
    ("finding", "dependencies"),
    ("quantity",),
    ("errors", "version"),
)
# Rooms inside of a room; they and the modules beside them may know one another, module by module.
INNER = (("training.keras",), ("training.aware",), ("training.pruning",), ("training.load",))
# Import paths that users have, of what lies elsewhere now.
PATHS = {"__init__", "device_report", "emitters", "layers"}
FLOOR = {room: floor for floor, rooms in enumerate((*FLOORS,)) for room in rooms}
INNER_FLOOR = {room: floor for floor, rooms in enumerate(INNER) for room in rooms}
TRAINING = {"tensorflow", "tf_keras", "keras", "tensorflow_model_optimization"}
MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}


def room(module: str) -> str:
    return module.split(".", maxsplit=1)[0]


@cache
def imports(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


@cache
def within(path: Path) -> tuple[str, ...]:
    """Return the modules of edgekit that the module at ``path`` imports, without ``edgekit.``."""
    parts = (name.partition(".") for name in imports(path))
    names = [rest for head, _, rest in parts if head == "edgekit" and rest]
    return tuple(rest if rest in MODULES else rest.rpartition(".")[0] or rest for rest in names)


def at_once(path: Path) -> Iterator[str]:
    """Yield what is imported when the module is, not later in a function or for types alone."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("edgekit."):
            for alias in node.names:
                full = f"{node.module}.{alias.name}".removeprefix("edgekit.")
                yield full if full in MODULES else full.rpartition(".")[0]


def test_every_module_has_its_room_and_every_room_its_modules() -> None:
    assert {room(module) for module in MODULES} - PATHS == set(FLOOR)


def test_few_modules_are_loose() -> None:
    loose = [path.stem for path in PACKAGE.glob("*.py")]
    assert len(loose) <= 12


def test_no_room_is_called_after_a_function() -> None:
    import edgekit

    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir()}
    assert not folders & set(edgekit.__all__)


def test_imports_go_down() -> None:
    wrong = [
        f"{module} imports {other}"
        for module, path in MODULES.items()
        for other in within(path)
        if room(module) not in PATHS
        and room(other) != room(module)
        and FLOOR.get(room(other), -1) <= FLOOR[room(module)]
    ]
    assert not wrong


def test_imports_between_inner_rooms_go_down() -> None:
    def inner(module: str) -> str:
        return module.rpartition(".")[0]

    wrong = [
        f"{module} imports {other}"
        for module, path in MODULES.items()
        for other in within(path)
        if inner(module) != inner(other)
        and {inner(module), inner(other)} <= set(INNER_FLOOR)
        and INNER_FLOOR[inner(other)] <= INNER_FLOOR[inner(module)]
    ]
    assert not wrong


def test_no_module_needs_itself_to_be_imported() -> None:
    below = {module: set(at_once(path)) & set(MODULES) for module, path in MODULES.items()}
    while leaves := {module for module, others in below.items() if not others & set(below)}:
        below = {module: others for module, others in below.items() if module not in leaves}
    assert not below


def test_tensorflow_is_imported_behind_its_door_alone() -> None:
    users = {
        module
        for module, path in MODULES.items()
        if {name.split(".")[0] for name in imports(path)} & TRAINING
    }
    assert {room(module) for module in users} <= {"training", "callbacks", "api"}


def defined(path: Path) -> set[str]:
    """Return the functions and classes at the top of the module at ``path``."""
    kinds = (ast.FunctionDef, ast.ClassDef)
    return {node.name for node in ast.parse(path.read_text()).body if isinstance(node, kinds)}


def test_the_page_has_the_floors() -> None:
    rows = re.findall(r"^\| (\d+) \| (.+?) \|", PAGE, flags=re.MULTILINE)
    told = [set(re.findall(r"`([a-z_]+)(?:/|\.py)`", rooms)) for _, rooms in rows]
    assert told == [set(rooms) for rooms in FLOORS]
    assert [int(number) for number, _ in rows] == list(range(1, len(FLOORS) + 1))


def test_every_file_and_function_that_the_page_names_exists() -> None:
    named = re.findall(r"`([\w/.-]+\.(?:py|j2|toml))(?::(\w+))?`", PAGE)
    assert len(named) > 60
    missing = []
    for name, function in named:
        path = next((base / name for base in (PACKAGE, ROOT) if (base / name).is_file()), None)
        is_there = name == "edgekit.toml" or (
            path is not None and (not function or function in defined(path))
        )
        missing += [] if is_there else [f"{name}:{function}"]
    assert not missing


def test_every_value_of_the_picture_is_a_class() -> None:
    picture = PAGE.split("```")[1]
    classes = {name for path in MODULES.values() for name in defined(path)}
    values = re.findall(r"\b[A-Z][a-z]+(?:[A-Z][a-z]+)*\b", picture)
    assert len(set(values)) > 15
    assert set(values) <= classes | {"TensorFlow"}
