"""Keras callbacks for a user's own ``model.fit``, of Keras 3 and tf_keras alike."""

from typing import TYPE_CHECKING, Any

from edgekit.sparsity import keep_largest
from edgekit.train.kernels import kernels, zeros_in

if TYPE_CHECKING:
    from edgekit.sparsity import Mask, Schedule
    from edgekit.train._tensorflow import Model


class _Callback:
    """What both Keras ask of a callback, and nothing from either: so it serves both."""

    model: "Model"
    params: dict[str, Any]

    def set_model(self, model: "Model") -> None:
        """Take the model that is trained."""
        self.model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Take ``epochs``, ``steps`` and the like."""
        self.params = params

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  any hook of Keras
        """Return a hook that does nothing, for those that a callback has no use of."""
        if name.startswith("on_"):
            return _nothing
        raise AttributeError(name)

    def _implements_train_batch_hooks(self) -> bool:
        return hasattr(type(self), "on_train_batch_end")

    def _implements_test_batch_hooks(self) -> bool:
        return False

    def _implements_predict_batch_hooks(self) -> bool:
        return False


class MagnitudePruning(_Callback):
    """Drives the smallest weights of each kernel to zero while the model trains.

    Masks lie over the live weights: no layer is wrapped, the optimizer is untouched, and the
    model is saved as it is. A training that is resumed with ``initial_epoch`` goes on where
    the schedule was.

    Args:
        sparsity: Fraction of exact zeros asked of each kernel.
        schedule: When it is due; its steps count the batches since epoch 0.
    """

    def __init__(self, sparsity: float, schedule: "Schedule") -> None:
        self._sparsity = sparsity
        self._schedule = schedule
        self._step = 0

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Lay a mask over each kernel; what is zero in a resumed training stays zero."""
        del logs
        from edgekit.train.masks import Masks

        self._masks = Masks(kernels(self.model))

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Count steps from the epoch, so that a resumed training goes on in the schedule."""
        del logs
        steps = self.params.get("steps")
        if steps and self._step < epoch * steps:
            self._step = epoch * steps
            self._masks.renew([kernel.values() != 0 for kernel in self._masks.kernels])

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Renew the masks where the schedule says so, and put them into force."""
        del batch, logs
        self._masks.apply()
        if self._schedule.renews_at(self._step):
            self._masks.renew(self._due(self._schedule.share_at(self._step)))
        self._step += 1

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Write the fraction of zeros over all kernels into ``logs`` as ``sparsity``."""
        del epoch
        if logs is not None:
            logs["sparsity"] = zeros_in(self._masks.kernels).fraction

    def _due(self, share: float) -> "list[Mask]":
        return [
            keep_largest(kernel.values(), share * self._sparsity) for kernel in self._masks.kernels
        ]


class KeepZeros(_Callback):
    """Keeps every weight that is zero when training begins at zero: for fine-tuning."""

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Lay a mask over each kernel that holds a zero."""
        del logs
        from edgekit.train.masks import Masks

        found = [kernel for kernel in kernels(self.model, depthwise=True) if kernel.zero_fraction()]
        self._masks = Masks(found)
        self._masks.renew([kernel.values() != 0 for kernel in found])

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Put the masks into force."""
        del batch, logs
        self._masks.apply()


def _nothing(*_args: object, **_kwargs: object) -> None:
    """Do nothing."""


_nothing._is_default = True  # type: ignore[attr-defined]  # noqa: SLF001  Keras 3 asks for it
