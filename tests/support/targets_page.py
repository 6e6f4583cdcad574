"""The tables of docs/targets.md: ``python tests/support/targets_page.py`` writes them."""

from pathlib import Path

from edgekit.devices.profile import Memory, Target, load_target, profile_paths
from edgekit.files.whole_files import write_text
from edgekit.fit.tflm_operators import CUSTOM, TYPES
from edgekit.quantity import format_bytes

PAGE = Path(__file__).parents[2] / "docs" / "targets.md"
MARK = "<!-- From here on written by tests/support/targets_page.py. -->\n"


def page(text: str) -> str:
    """Return the page ``text`` with its generated part as the profiles have it now."""
    profiles = [load_target(name) for name in profile_paths()]
    lines = [
        "| target | device | core | runtime | RAM | flash | latency |",
        "| --- | --- | --- | --- | ---: | ---: | --- |",
        *(_row(profile) for profile in profiles),
        "",
        "## TFLite-Micro's operators",
        "",
        "With the types of activations that they take; none where they have no activations.",
        "",
        "| operator | types |",
        "| --- | --- |",
        *(f"| `{op}` | {', '.join(sorted(types or ()))} |" for op, types in sorted(TYPES.items())),
        *(f"| `{op}` | custom |" for op in sorted(CUSTOM)),
        "",
        "## Sources",
        "",
        *(line for profile in profiles for line in _sources(profile)),
    ]
    return text.partition(MARK)[0] + MARK + "\n" + "\n".join(lines) + "\n"


def _row(profile: Target) -> str:
    runtime = profile.runtime
    stack = f"{runtime.name}, {runtime.kernels}, {runtime.abi}"
    latency = "" if profile.latency is None else f"within x{profile.latency.band:.2g}"
    return (
        f"| `{profile.name}` | {profile.title} | {profile.core.name}, "
        f"{profile.core.clock / 1e6:g} MHz | {stack}{', DECODE' if runtime.decode else ''} "
        f"| {_memory(profile.ram)} | {_memory(profile.flash)} | {latency} |"
    )


def _memory(memory: Memory | None) -> str:
    if memory is None:
        return ""
    reserved = f", {format_bytes(memory.reserved)} reserved" if memory.reserved else ""
    return format_bytes(memory.total) + reserved


def _sources(profile: Target) -> list[str]:
    flash = profile.flash
    texts = (
        ("core", profile.core.source),
        ("RAM", profile.ram.source),
        ("RAM, reserved", profile.ram.reserved_for),
        ("flash", "" if flash is None else flash.source),
        ("flash, reserved", "" if flash is None else flash.reserved_for),
        ("latency", "" if profile.latency is None else profile.latency.source),
    )
    return [
        f"**{profile.name}**",
        "",
        *(f"- {what}: {source}" for what, source in texts if source),
        "",
    ]


if __name__ == "__main__":
    write_text(PAGE, page(PAGE.read_text(encoding="utf-8")))
