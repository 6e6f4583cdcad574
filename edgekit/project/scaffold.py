"""A project file to start from, with every key explained, and a hook that returns data."""

from pathlib import Path

from edgekit.errors import UsageError
from edgekit.files.whole_files import write_text
from edgekit.project.project import FILE_NAME

_PROJECT = """\
# What edgekit builds. Run it with: edgekit build
# Devices to hold the model against; all of them: edgekit targets list
targets = ["nucleo-l4r5zi"]
# seed = 0                  # of every random choice
# shrink = true             # make the file smaller without changing an output
# metric = "auto"           # or accuracy, mean_absolute_error, mean_squared_error

[model]
source = "model.keras"      # or .h5, a SavedModel folder, or "module:function"
# name = "model"            # of files and C arrays; default: from the source

[data]
source = "data:load"        # the function in data.py; or an .npz, a folder of images
                            # by class, or "random" before any data exists
# validation_fraction = 0.2 # where the source has no test set of its own
# calibration_samples = 200 # kept out of the training
# scale = 1.0               # inputs are multiplied by this before the model sees them
# offset = 0.0              # and this is added
# labels = ["no", "yes"]    # names of the classes

[train]
# epochs = 0                # of the float model; 0: it is trained
# batch_size = 32
# learning_rate = 0.001     # quantization-aware training takes a tenth of it
# loss = ""                 # a Keras loss; default: the model's own

# [prune]                   # drive small weights to zero
# sparsity = 0.75
# schedule = "polynomial"   # or "constant"
# epochs = 4

[quantize]
method = "ptq"              # or "qat": train with quantization in mind
# epochs = 2                # of that training
# io = "int8"               # or uint8, float32
# calibration = "minmax"    # or percentile, mse, entropy, which leave outliers out
# bias_correction = true    # its effect is measured and told

[limits]                    # a missed one gives exit code 1
accuracy_drop = 0.01
# flash = "256KiB"
# ram = "64KiB"
# latency = "20ms"
"""

_DATA = '''\
"""The data that edgekit trains, calibrates and verifies with."""

from pathlib import Path

import numpy as np

FILE = Path(__file__).with_name("data.npz")


def load() -> dict[str, np.ndarray]:
    """Return inputs as the model takes them, shape (samples, ...), and class numbers."""
    with np.load(FILE) as data:
        return {name: data[name] for name in ("x_train", "y_train", "x_test", "y_test")}
'''


def init(directory: str | Path = Path()) -> tuple[Path, ...]:
    """Write ``edgekit.toml`` and ``data.py`` into ``directory`` and return their paths.

    Raises:
        UsageError: One of them is there already; nothing is written then.
    """
    folder = Path(directory)
    texts = {folder / FILE_NAME: _PROJECT, folder / "data.py": _DATA}
    for path in texts:
        if path.exists():
            raise UsageError(
                f"{path} is there already",
                hint=f"name another folder, or build what it says: edgekit build {directory}",
            )
    for path, text in texts.items():
        write_text(path, text)
    return tuple(texts)
