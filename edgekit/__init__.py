"""From a Keras model to verified firmware: prune, quantize, convert, prove that it fits, emit C."""

__version__ = "0.1.0"
