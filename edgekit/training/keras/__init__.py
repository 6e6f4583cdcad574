"""Quantization-aware training and conversion of Keras 3 models, in Keras 3 itself."""
