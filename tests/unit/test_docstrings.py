"""What docstrings say of modules, arguments and results is so."""

import ast
import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
MODULES = {path: ast.parse(path.read_text()) for path in sorted(ROOT.glob("edgekit/**/*.py"))}
FUNCTIONS = [
    (path, node)
    for path, tree in MODULES.items()
    for node in ast.walk(tree)
    if isinstance(node, ast.FunctionDef)
]


def test_every_module_that_a_docstring_names_has_that_name() -> None:
    """Such as ``edgekit.project.project.Project``, between single backticks."""
    missing = []
    for path in sorted(ROOT.glob("edgekit/**/*.py")):
        for name in re.findall(r"(?<!`)`(edgekit(?:\.\w+)+)`(?!`)", path.read_text()):
            parts = name.split(".")
            module = next(
                place.with_suffix(".py") if place.with_suffix(".py").is_file() else place
                for end in range(len(parts), 0, -1)
                if (place := ROOT.joinpath(*parts[:end])).is_dir()
                or place.with_suffix(".py").is_file()
            )
            depth = len(module.relative_to(ROOT).parts)
            text = (module / "__init__.py" if module.is_dir() else module).read_text()
            if depth < len(parts) and not re.search(rf"\b{parts[depth]}\b", text):
                missing.append(f"{path.name}: {name}")
    assert not missing


def test_no_two_modules_open_with_the_same_sentence() -> None:
    sentences = [(ast.get_docstring(tree) or "").splitlines()[0] for tree in MODULES.values()]
    assert [sentence for sentence, count in Counter(sentences).items() if count > 1] == []


def test_docstrings_name_the_arguments_that_there_are_in_their_order() -> None:
    wrong = []
    for path, node in FUNCTIONS:
        section = re.search(r"Args:\n((?:    .*\n?|\n)*)", ast.get_docstring(node) or "")
        if section is None:
            continue
        told = re.findall(r"^    \*{0,2}(\w+):", section[1], flags=re.MULTILINE)
        taken = node.args
        kinds = (taken.posonlyargs, taken.args, [taken.vararg], taken.kwonlyargs, [taken.kwarg])
        names = [item.arg for kind in kinds for item in kind if item is not None]
        if told != names[names[0] in {"self", "cls"} :]:
            wrong.append(f"{path.name}: {node.name}")
    assert not wrong


def test_what_yields_does_not_say_that_it_returns() -> None:
    wrong = []
    for path, node in FUNCTIONS:
        nested = {
            id(below)
            for inner in ast.walk(node)
            if isinstance(inner, ast.FunctionDef | ast.Lambda) and inner is not node
            for below in ast.walk(inner)
        }
        yields = any(
            isinstance(item, ast.Yield | ast.YieldFrom) and id(item) not in nested
            for item in ast.walk(node)
        )
        word = (ast.get_docstring(node) or "").partition(" ")[0]
        manages = any("contextmanager" in ast.unparse(item) for item in node.decorator_list)
        if word == ("Return" if yields else "Yield") and not manages:
            wrong.append(f"{path.name}: {node.name}")
    assert not wrong
