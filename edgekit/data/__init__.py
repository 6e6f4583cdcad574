"""Samples: read, checked, dealt out, and handed on with what the float model answers."""
