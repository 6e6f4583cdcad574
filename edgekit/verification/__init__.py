"""Metrics, confidence and limits: whether the integer model is still the model."""
