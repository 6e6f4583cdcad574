"""What packages import that add a format by an entry point of the group ``edgekit.emitters``."""

from edgekit.emission.firmware import EmittedFile, Firmware

__all__ = ["EmittedFile", "Firmware"]
