"""A `.tflite` file as plain values: read, examined, and (issue by issue) edited and written."""
