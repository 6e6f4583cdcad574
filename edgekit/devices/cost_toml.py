"""A cost model as TOML, for a file of its own or for a table of a target's profile."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgekit.devices.profile import CostModel, Cycles

_DIGITS = 4  # a coefficient's band is never under 10 %


def cost_model_toml(model: "CostModel", *, table: str = "") -> str:
    """Return ``model`` as TOML.

    Args:
        model: Written with four digits.
        table: The dotted table that holds it; empty for a file that holds nothing else.
    """
    head = f"[{table}]\n" if table else ""
    operators = ", ".join(_text(name) for name in model.operators)
    least = f"least_macs = {model.least_macs}\n" if model.least_macs else ""
    return (
        f"{head}version = {_text(model.version)}\n"
        f"source = {_text(model.source)}\n"
        f"points = {model.points}\n"
        f"band = {model.band:.3g}\n"
        f"{least}"
        f"operators = [{operators}]\n\n"
        f"{cycles_toml(model.cycles, table=f'{table}.cycles' if table else 'cycles')}"
    )


def cycles_toml(cycles: "Cycles", *, table: str) -> str:
    """Return the coefficients as the TOML table ``table``."""
    lines = [f"{kind} = {float(f'{value:.{_DIGITS}g}')}" for kind, value in asdict(cycles).items()]
    return "\n".join([f"[{table}]", *lines, ""])


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)  # a basic string of TOML, with its escapes
