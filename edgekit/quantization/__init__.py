"""Integers without training: ranges from samples, coarse weights, corrected biases."""
