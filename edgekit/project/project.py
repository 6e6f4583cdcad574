"""A project: the model, its data, what to do with it and the limits it must hold."""

import os
import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from edgekit.errors import InputError, UsageError
from edgekit.files.fingerprint import PROJECT_FILE
from edgekit.files.source import is_function, module_folders, module_of, source_file, source_kind
from edgekit.files.toml import decode, read
from edgekit.specs import (
    CompareSpec,
    DataSpec,
    Limits,
    Metric,
    ModelSpec,
    PruneSpec,
    QuantizeSpec,
    TrainSpec,
    check_seed,
    check_types,
)

FILE_NAME = PROJECT_FILE
_WORDS_OF_C = frozenset({"double", "float", "int", "long", "short"})  # that files are called


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    """All that a build is told.

    Args:
        directory: Relative paths and the user's own modules are found from here.
        model: Where the model is.
        data: Where the data are.
        train: How it is trained.
        prune: None leaves the weights as they are.
        quantize: How it becomes integer.
        limits: What it must hold.
        targets: Names of device profiles, or paths of ``.toml`` files.
        shrink: Whether the converted file is made smaller without changing an output.
        metric: ``"auto"`` takes accuracy for labels and mean absolute error for numbers.
        seed: Of every random choice.
        compare: The points of a study; None: those of `CompareSpec`.
    """

    directory: Path
    model: ModelSpec
    data: DataSpec
    train: TrainSpec = field(default_factory=TrainSpec)
    prune: PruneSpec | None = None
    quantize: QuantizeSpec = field(default_factory=QuantizeSpec)
    limits: Limits = field(default_factory=Limits)
    targets: tuple[str, ...] = ()
    shrink: bool = True
    metric: Metric = "auto"
    seed: int = 0
    compare: CompareSpec | None = None

    def __post_init__(self) -> None:
        check_types(self, "")
        check_seed(self.seed)
        if len(set(self.targets)) < len(self.targets):
            raise InputError("targets names a device twice")
        if self.prune is not None and self.quantize.simulate == "binary":
            raise InputError(
                'quantize.simulate = "binary" has no code for 0: zeros of [prune] would be lost',
                hint="take [prune] away, or simulate int2, which has one",
            )

    @property
    def module_folders(self) -> tuple[Path, ...]:
        """Where a worker finds the user's own modules, if the project names one."""
        sources = (self.model.source, self.data.source, self.train.loss)
        return (self.directory,) if self.model.modules else module_folders(self.directory, *sources)

    @property
    def learns(self) -> bool:
        """Whether any weight is trained: without it a model is converted as it is."""
        return self.train.epochs > 0 or self.prune is not None or self.quantize.method == "qat"

    @property
    def inputs(self) -> tuple[Path, ...]:
        """The files and folders that it names: a build reads them and leaves them alone."""
        named = [self.model.source, *(name for name in self.targets if name.endswith(".toml"))]
        named += [self.data.source] if not self.data.is_random else []
        named += [self.train.loss] if is_function(self.train.loss) else []
        return tuple(source_file(name, self.directory) for name in named)

    @property
    def name(self) -> str:
        """The model's name, a C identifier."""
        return self.model.name


def load_project(path: str | Path) -> Project:
    """Return the project in ``path``: an ``edgekit.toml``, a ``pyproject.toml``, or a folder.

    Raises:
        InputError: No such file, or a file that is wrong.
    """
    path = Path(path)
    if path.is_dir():
        inside = (path / FILE_NAME, path / "pyproject.toml")
        path = next((item for item in inside if item.is_file()), inside[0])
    if not path.is_file():
        raise InputError(f"{path}: no such project file", hint="write one with: edgekit init")
    table = read(path)
    if path.name == "pyproject.toml":
        table = _tool_table(table, path)
    project = decode(table, Project, where=str(path), given={"directory": path.resolve().parent})
    return with_name(project)


def resolve(
    source: str | Path | Project,
    *,
    data: str | None = None,
    targets: tuple[str, ...] = (),
    seed: int | None = None,
) -> Project:
    """Return the project that ``source`` is, or one for the model that it is.

    Args:
        source: A project, its file or its folder; or, with ``data``, a model, found from here.
        data: As `DataSpec.source`, of a model, or instead of the project's; a path is found
            from here, the module of a function from the project's folder.
        targets: As `Project.targets`; they replace the project's.
        seed: As `Project.seed`; None: the project's.

    Raises:
        UsageError: A model without data.
        InputError: No such project, or one that is wrong.
    """
    if isinstance(source, Project):
        project = source
    elif data is not None and not _holds_project(Path(source)):
        project, data = of_model(str(source), data=data), None
    elif _is_project(Path(source)) or not Path(source).exists():
        project = load_project(Path(source))
    else:
        raise UsageError(
            f"{source} is no project, and a model needs data",
            hint="add --data data.npz; for size and fit alone, --data random",
        )
    if data is not None:
        project = replace(project, data=replace(project.data, source=_from_there(data, project)))
    return replace(
        project,
        targets=targets or project.targets,
        seed=project.seed if seed is None else seed,
    )


def of_model(source: str, *, data: str, modules: tuple[str, ...] = ()) -> Project:
    """Return the project of a model, found from here: quantized after its training, no more.

    Args:
        source: As `ModelSpec.source`.
        data: As `DataSpec.source`.
        modules: As `ModelSpec.modules`.

    Raises:
        InputError: The model's name cannot be one in C.
    """
    model = ModelSpec(source=source, modules=modules)
    return with_name(Project(directory=Path.cwd(), model=model, data=DataSpec(source=data)))


def _from_there(data: str, project: Project) -> str:
    """Return how the folder of ``project`` calls data that are named from here."""
    if source_kind(data, Path.cwd()) in {"random", "function"}:
        return data
    return os.path.relpath(data, project.directory)


def _holds_project(path: Path) -> bool:
    """Return whether ``path`` is a project file, there or not, or a folder with one."""
    if not path.is_dir():
        return path.suffix == ".toml"
    names = (FILE_NAME, "pyproject.toml")
    return _is_project(path) and any((path / name).is_file() for name in names)


def _is_project(path: Path) -> bool:
    """Return whether ``path`` is a project file, or a folder that can only be one."""
    if path.is_dir():
        return not (path / "saved_model.pb").is_file()
    return path.suffix == ".toml"


def with_name(project: Project) -> Project:
    """Return ``project`` with the model's name filled in and checked.

    Raises:
        InputError: The name cannot be one in C.
    """
    name = project.model.name or _name_from(project.model.source)
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
        raise InputError(
            f"model.name is '{name}', not a C identifier",
            hint="set [model] name to letters, digits and underscores",
        )
    return replace(project, model=replace(project.model, name=name))


def _tool_table(table: dict[str, object], path: Path) -> dict[str, object]:
    tool = table.get("tool")
    section = tool.get("edgekit") if isinstance(tool, dict) else None
    if not isinstance(section, dict):
        raise InputError(f"{path}: no [tool.edgekit] table", hint="write one with: edgekit init")
    return section


def _name_from(source: str) -> str:
    """Return ``my_net`` for ``models/my-net.keras``, ``model`` for ``model:make``."""
    stem = Path(module_of(source)).stem
    name = re.sub(r"\W", "_", stem, flags=re.ASCII).strip("_")
    if name in _WORDS_OF_C:
        return f"{name}_model"
    return name if name[:1].isalpha() else f"model_{name}".rstrip("_")
