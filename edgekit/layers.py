"""The Keras layers of `edgekit.quantize_aware`; importing them lets Keras load such a model.

import edgekit.layers
model = keras.saving.load_model("model.keras")
"""

from edgekit.training.keras.aware import Aware
from edgekit.training.keras.inlined import Inlined
from edgekit.training.keras.observe import Observe

__all__ = ["Aware", "Inlined", "Observe"]
