"""A build: the stages in their order, what is kept of them, and the manifest."""
