"""The user's model, whatever wrote it, as a Keras model in a file."""
