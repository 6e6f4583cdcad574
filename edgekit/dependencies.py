"""What is installed, what is missing, the line that installs it, and what was not tested."""

import shutil
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Dependency:
    """A package or tool that some of edgekit's work needs.

    Args:
        name: Of the package or program.
        needed_for: The work that fails without it.
        version: What is installed, or None where it is missing.
        install: The line that installs it.
    """

    name: str
    needed_for: str
    version: str | None
    install: str


@dataclass(frozen=True, kw_only=True, slots=True)
class UntestedVersion:
    """An installed package whose version is not the one that edgekit was tested with.

    Args:
        name: Of the package.
        version: What is installed.
        tested: What ``constraints.txt`` names.
    """

    name: str
    version: str
    tested: str


_LIGHT = "pip install edgekit"
_TRAIN = 'pip install "edgekit[train]"'
_PACKAGES = (
    ("numpy", "everything", _LIGHT),
    ("ai-edge-litert", "reading and running models", _LIGHT),
    ("tflite-micro", "verification for microcontrollers", "pip install --pre tflite-micro"),
    ("tensorflow", "build and convert", _TRAIN),
    ("tf-keras", "build", _TRAIN),
    ("tensorflow-model-optimization", "pruning and quantization-aware training", _TRAIN),
    ("litert-quantizer", "quantizing a float .tflite", 'pip install "edgekit[quantizer]"'),
    ("distributed", "comparing on a cluster", 'pip install "edgekit[cluster]"'),
    ("pillow", "folders of images", 'pip install "edgekit[images]"'),
)
_PROGRAMS = (
    ("arm-none-eabi-gcc", "compiling for Cortex-M", "gcc-arm-none-eabi libnewlib-arm-none-eabi"),
    ("qemu-system-arm", "running firmware without a board", "qemu-system-arm"),
    ("adb", "measuring on phones", "adb"),
)


def doctor() -> tuple[Dependency, ...]:
    """Return every dependency, installed or not; nothing is imported."""
    packages = tuple(
        Dependency(name=name, needed_for=work, version=_version(name), install=line)
        for name, work, line in _PACKAGES
    )
    programs = tuple(
        Dependency(
            name=name,
            needed_for=work,
            version="found" if shutil.which(name) else None,
            install=f"apt-get install -y --no-install-recommends {package}",
        )
        for name, work, package in _PROGRAMS
    )
    python = Dependency(
        name="python",
        needed_for="everything",
        version=sys.version.split()[0],
        install="apt-get install -y python3",
    )
    return (python, *packages, *programs)


def differences() -> tuple[UntestedVersion, ...]:
    """Return the installed packages whose version is not the tested one, by their names."""
    return tuple(
        UntestedVersion(name=name, version=found, tested=tested)
        for name, tested in tested_versions().items()
        if (found := _version(name)) not in {None, tested}
    )


def tested_versions() -> dict[str, str]:
    """Return the version of each package that edgekit was tested with."""
    lines = constraints_path().read_text().splitlines()
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {name: version.partition(";")[0].strip() for name, version in pairs}


def constraints_path() -> Path:
    """Return where the tested versions stand, for ``pip install -c``."""
    package = Path(__file__).parent
    wheel = package / "constraints.txt"
    return wheel if wheel.is_file() else package.parent / "constraints.txt"  # in a checkout


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
