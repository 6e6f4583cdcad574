"""Causes of lost accuracy: a rule each, one module a concern. docs/explain.md lists them."""
