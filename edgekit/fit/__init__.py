"""What a device makes of a model: the operators it runs, arena, flash, latency, and the verdict."""
