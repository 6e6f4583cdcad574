"""The only room that knows TensorFlow: load, train, prune, quantize, convert.

Every function here runs in a worker (`edgekit.runtimes.process.Worker`); Keras models
come in and go out as files. The modules themselves can be imported without TensorFlow.
"""
