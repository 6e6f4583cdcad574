"""Reports of a run: each format is a pure function of the manifest."""
