"""A model as firmware: C arrays, the operators it needs, conversions, vectors, whole projects."""
