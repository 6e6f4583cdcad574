"""``NAME_ops.h``: a resolver with the operators of the model and no other."""

from typing import TYPE_CHECKING

from edgekit.emission.rendering import render
from edgekit.fit.registrations import registrations

if TYPE_CHECKING:
    from edgekit.emission.firmware import EmittedFile, Firmware


def op_resolver(firmware: "Firmware") -> "EmittedFile":
    """Return the header with the model's resolver.

    Raises:
        UnsupportedModelError: An operator that TFLite-Micro lacks.
    """
    return render("c/ops.h.j2", "NAME_ops.h", firmware, registrations=registrations(firmware.model))
