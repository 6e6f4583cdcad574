"""Every text of the package that tells what to type, and the commands that can lead to it."""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from reference_pages import leaves

PACKAGE = Path(__file__).parents[2] / "edgekit"
COMMANDS = dict(leaves())
_API = "edgekit.api"
_COMMAND = re.compile(r"edgekit ([a-z]+(?: [a-z]+)?)((?: [^\s;,]+)*)")
_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
_ANOTHER = re.compile(r"\b(another|away|leave|longer|new)\b", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Advice:
    """A text of the package that names a command or an option."""

    module: str
    line: int
    text: str

    @property
    def commands(self) -> tuple[tuple[str, str], ...]:
        """The commands that it names, each with what follows."""
        return tuple(_named(self.text))

    @property
    def options(self) -> frozenset[str]:
        return frozenset(_OPTION.findall(self.text))


@cache
def modules() -> dict[str, Path]:
    """Return the path of each module by its name."""
    names = {path: path.relative_to(PACKAGE.parent) for path in sorted(PACKAGE.rglob("*.py"))}
    return {
        ".".join(name.with_suffix("").parts).removesuffix(".__init__"): path
        for path, name in names.items()
    }


def advice() -> Iterator[Advice]:
    """Yield the texts of one line, and the second paragraphs of rules, that name something."""
    for module, path in modules().items():
        tree = ast.parse(path.read_text())
        for line, text in (*_texts(tree), *_rules(tree)):
            found = Advice(module=module, line=line, text=text)
            if found.commands or found.options:
                yield found


@cache
def reached(command: str) -> frozenset[str]:
    """Return the modules that a command imports, and those that they import."""
    known, todo = modules(), [f"edgekit.cli.{command.split(maxsplit=1)[0]}"]
    seen: set[str] = set()
    while todo:
        module = todo.pop()
        if module in seen:
            continue
        seen.add(module)
        if module in known:
            names = _imports(ast.parse(known[module].read_text()))
        else:
            names = _of_function(module.removeprefix(f"{_API}."))
        todo += [name for name in names if name in known and name != _API]
        todo += [name for name in names if name.startswith(f"{_API}.")]
    return frozenset(seen)


def repeats(arguments: Sequence[str], hint: str) -> bool:
    """Return whether ``hint`` tells to type what was typed: the command, or an option of it."""
    for command, rest in _named(hint):
        typed = " ".join(arguments[: len(command.split())])
        if typed == command and not set(_OPTION.findall(rest)) - set(arguments):
            return True
    asked = re.findall(r"(?<![\w-])(--[a-z][a-z-]+)(?: ([^\s;,]+))?", hint)
    return any(
        option in arguments and (value.isupper() or not value) and not _ANOTHER.search(hint)
        for option, value in asked
        if f"edgekit {arguments[0]}" in hint or "edgekit " not in hint
    )


def _named(text: str) -> Iterator[tuple[str, str]]:
    for match in _COMMAND.finditer(text):
        words = match[1].split()
        name = " ".join(words) if " ".join(words) in COMMANDS else words[0]
        yield name, " ".join(words[len(name.split()) :]) + match[2]


def _texts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    docstrings = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    inside = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in node.values
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            values = [part.value if isinstance(part, ast.Constant) else "X" for part in node.values]
            yield node.lineno, "".join(map(str, values))
        elif not isinstance(node, ast.Constant) or id(node) in docstrings | inside:
            continue
        elif isinstance(node.value, str) and "\n" not in node.value:
            yield node.lineno, node.value


def _rules(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield what the rules of `edgekit.fit.operators` and `edgekit.explanation` advise."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and len(node.args.args) == 1:
            kind = node.args.args[0].annotation
            if kind is not None and ast.unparse(kind) in {"Use", "Facts", "'Facts'"}:
                _, _, second = (ast.get_docstring(node) or "").partition("\n\n")
                yield node.lineno, " ".join(second.split())


@cache
def _of_function(name: str) -> tuple[str, ...]:
    """Return what a function of `edgekit.api` imports, or is imported from."""
    tree = ast.parse(modules()[_API].read_text())
    inside = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
    used = {node.id for node in ast.walk(ast.Module(inside, [])) if isinstance(node, ast.Name)}
    outside = [
        alias.name if node.module is None else f"{node.module}.{alias.name}"
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if (alias.asname or alias.name) in {*used, name}
    ]
    found = [*outside, *_imports(ast.Module(inside, []))]
    return (*found, *(item.rpartition(".")[0] for item in found))


def _imports(tree: ast.Module) -> tuple[str, ...]:
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            found += [f"{node.module}.{alias.name}" for alias in node.names] + [node.module]
        elif isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
    return tuple(found)
