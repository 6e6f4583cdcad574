"""Imports go one way, and TensorFlow stands behind one door."""

import ast
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "edgekit"

# Each room may import from its own level and those above it in this list.
LEVELS = [
    {
        "errors", "quantity", "finding", "dependencies", "__init__", "files", "numerics", "project",
        "specs", "devices", "model", "runtimes", "data", "measurement", "quantization", "shrinking",
        "training", "verification", "fit", "reports", "emission", "explanation", "callbacks",
        "pipeline", "comparison", "api",
    },
    {"cli", "__main__"},
]  # fmt: skip
LEVEL = {room: level for level, rooms in enumerate(LEVELS) for room in rooms}
TRAINING = {"tensorflow", "tf_keras", "keras", "tensorflow_model_optimization"}
MODULES = sorted(PACKAGE.rglob("*.py"))


def room(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


@cache
def imports(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def test_every_module_has_its_room() -> None:
    assert {name_of(path) for path in MODULES} <= set(LEVEL)


def test_imports_go_one_way() -> None:
    upwards = [
        f"{path.relative_to(PACKAGE)} imports {module}"
        for path in MODULES
        if name_of(path) != "__init__"  # it names all, lazily
        for module in imports(path)
        # `from edgekit import emit` names a room too
        if module.startswith("edgekit.") and LEVEL.get(room(module), 0) > LEVEL[name_of(path)]
    ]
    assert upwards == []


def test_tensorflow_is_imported_behind_its_door_alone() -> None:
    past_it = [
        f"{path.relative_to(PACKAGE)} imports {module}"
        for path in MODULES
        if name_of(path) not in {"training", "callbacks", "api"}
        for module in imports(path)
        if module.split(".")[0] in TRAINING
    ]
    assert past_it == []
