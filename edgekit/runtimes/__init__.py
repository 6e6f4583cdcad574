"""The real interpreters, each in a process of its own, and firmware on an emulated core."""
