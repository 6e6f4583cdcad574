"""``docs/python.md``, from the code: ``python tests/support/python_page.py`` writes it."""

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from functools import cached_property
from typing import Any

from reference_pages import DOCS, arguments

import edgekit
from edgekit.files.whole_files import write_text

PYTHON_PAGE = DOCS / "python.md"
_HEAD = """\
# Python

Written by `python tests/support/python_page.py` from the code. `edgekit.<tab>` completes all of it;
`import edgekit` loads neither NumPy nor TensorFlow.

```python
run = edgekit.build("examples/digits")
run.passed  # whether every limit holds
run.accuracy.int8, run.sparsity, run.targets[0].latency_ms
run.save("digits.tflite")
```

Each command has its function, with the command's options and defaults, and calls it. A size
or time that is typed with its unit (`--ram-budget 64KiB`) is a number whose name has the unit
(`ram_budget_bytes`), and `--run --tflm DIR` of `emit` is `emulator=EmulatorSpec(tflm=DIR)`. Where
`convert` and `shrink` are given no `out`, nothing is written: the result has the file's bytes as
`.content`. A missed limit is in a result's `.passed`; what must be put right is an
[error](#errors). `watch` is told of the progress, as the command line's bars are."""
_BUG = 70  # of what is no `EdgekitError`
_ALIASES = {"'": "", "collections.abc.": "", "pathlib.": ""}


def python_page() -> str:
    """Return the reference of what `edgekit` has."""
    there = {name: getattr(edgekit, name) for name in edgekit.__all__}
    functions = {name: item for name, item in there.items() if inspect.isfunction(item)}
    classes = {name: item for name, item in there.items() if inspect.isclass(item)}
    errors = {name: item for name, item in classes.items() if issubclass(item, Exception)}
    specs = {name for name, item in classes.items() if _is_told(item)}
    results = {name: item for name, item in classes.items() if name not in {*errors, *specs}}
    lines = [_HEAD, "", "## Functions"]
    for name, function in sorted(functions.items()):
        lines += ["", *_function(name, function)]
    lines += ["", "## Results"]
    for name, kind in sorted(results.items()):
        lines += ["", *_class(name, kind)]
    lines += [
        "",
        "## Specs",
        "",
        "What a project file says, as values: see the",
        "[project file](project.md).",
    ]
    lines += ["", "| spec | |", "| --- | --- |"]
    lines += [f"| `{name}` | {_first(there[name])} |" for name in sorted(specs)]
    lines += ["", "## Errors", "", "| error | exit code | |", "| --- | --- | --- |"]
    by_code = sorted((getattr(kind, "exit_code", _BUG), name) for name, kind in errors.items())
    lines += [f"| `{name}` | {code} | {_first(errors[name])} |" for code, name in by_code]
    return "\n".join(lines) + "\n"


def _function(name: str, function: Callable[..., object]) -> list[str]:
    signature = inspect.signature(function)
    meanings = arguments(function.__doc__ or "")
    rows = [
        f"| `{item.name}` | {_default(item)} | {_cell(meanings[item.name])} |"
        for item in signature.parameters.values()
        if item.name in meanings
    ]
    table = ["", "| argument | default | |", "| --- | --- | --- |", *rows] if rows else []
    return [
        f"### edgekit.{name}",
        "",
        f"{_first(function)} Returns `{_hint(signature.return_annotation)}`.",
        *table,
    ]


def _class(name: str, kind: type) -> list[str]:
    rows = [f"| `{item}` | {_cell(meaning)} |" for item, meaning in _attributes(kind)]
    return [f"### {name}", "", _first(kind), "", "| attribute | |", "| --- | --- |", *rows]


def _attributes(kind: Any) -> Iterator[tuple[str, str]]:
    meanings = arguments(kind.__doc__)
    for item in fields(kind):
        yield item.name, meanings.get(item.name) or f"`{_hint(item.type)}`"
    for name, item in vars(kind).items():
        if isinstance(item, property):
            yield name, _first(item.fget)
        elif isinstance(item, cached_property):
            yield name, _first(item.func)
        elif inspect.isfunction(item) and not name.startswith("_"):
            yield f"{name}({', '.join(list(inspect.signature(item).parameters)[1:])})", _first(item)


def _is_told(kind: type) -> bool:
    """Whether a class is what people give, not what they are given."""
    given = kind.__module__.startswith(("edgekit.specs", "edgekit.project"))
    return is_dataclass(kind) and (given or kind.__name__ == "EmulatorSpec")


def _first(item: Any) -> str:
    """Return the first paragraph of a docstring."""
    first = inspect.cleandoc(item.__doc__).partition("\n\n")[0]
    return _cell(" ".join(first.split()).replace("``", "`"))


def _default(item: inspect.Parameter) -> str:
    if item.default is inspect.Parameter.empty:
        return "needed"
    if inspect.isfunction(item.default):
        return ""
    return "" if item.default in (None, ()) else f"`{item.default!r}`"


def _hint(hint: object) -> str:
    text = hint if isinstance(hint, str) else inspect.formatannotation(hint)
    text = re.sub(r"edgekit\.[\w.]*\.(?=\w)", "", text)
    for long, short in _ALIASES.items():
        text = text.replace(long, short)
    return text


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    write_text(PYTHON_PAGE, python_page())
