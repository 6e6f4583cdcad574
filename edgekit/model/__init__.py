"""A `.tflite` file as plain values: read, examined, and edited and written."""
