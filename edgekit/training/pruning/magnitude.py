"""Pruning as a Keras callback: masks over the live weights, renewed as a schedule says."""

import warnings
from typing import TYPE_CHECKING, Literal

from edgekit.errors import InputError, UsageError
from edgekit.numerics.masks import schedule_for
from edgekit.training.kernels import Kernel, frozen_layers, kernels, zeros_in
from edgekit.training.naming import quoted
from edgekit.training.observer import Observer, after_all_callbacks
from edgekit.training.pruning.best_epoch import BestEpoch
from edgekit.training.pruning.channels import channel_groups
from edgekit.training.pruning.plan import plan

if TYPE_CHECKING:
    from edgekit.numerics.masks import Schedule
    from edgekit.specs import PruneSpec
    from edgekit.training._tensorflow import Model
    from edgekit.training.pruning.sparsity_goal import Goal


class MagnitudePruning(Observer):
    """Drives the smallest weights, or whole channels, to zero while the model trains.

    Masks lie over the live weights: no layer is wrapped, the optimizer is untouched, and the
    model is saved as it is. The sparsity is reached at three quarters of the training that
    follows the warm-up. A training that is resumed with ``initial_epoch`` goes on where the
    schedule was. Each epoch the fraction of zeros over all pruned kernels goes into ``logs``
    as ``sparsity``. Frozen layers (``trainable = False``) are left alone, with a warning.

    The best epoch at the sparsity is kept. Other callbacks choose among all epochs:
    ``EarlyStopping(restore_best_weights=True)`` may put one back that had not lost its weights
    yet. A warning says so, and `restore_best_weights` puts the best one at the sparsity back.

    Args:
        spec: How and how far to prune; its ``epochs`` are those of the training. Such as
            ``PruneSpec(sparsity=0.75, epochs=10)``.
        monitor: What tells the best epoch, a name in ``logs``; None: ``"val_loss"``, or
            ``"loss"`` without validation data.
        mode: Whether its least or its greatest value is best; ``"auto"``: the greatest of
            accuracies and the like, by their name, as in Keras.
    """

    def __init__(
        self,
        spec: "PruneSpec",
        *,
        monitor: str | None = None,
        mode: Literal["auto", "min", "max"] = "auto",
    ) -> None:
        if spec.sparsity == "auto":
            raise InputError(
                'sparsity = "auto" needs the data of a project',
                hint='give a number; "auto" is for the [prune] table of a project file',
            )
        self._spec = spec
        self._goals: tuple[Goal, ...] = ()
        self._planned: tuple[Model, tuple[str, ...]] | None = None
        self._kept = BestEpoch(monitor, mode)
        self._schedule: Schedule | None = None
        self._renewed: int | None = None

    @property
    def best_epoch(self) -> int | None:
        """The best epoch of the last training at the sparsity asked; None: it was not reached."""
        return self._kept.epoch

    @property
    def reached(self) -> bool:
        """Whether the schedule has come to its end, and the model to the sparsity asked."""
        return (
            self._schedule is not None
            and self._renewed is not None
            and self._schedule.share_at(self._renewed) == 1
        )

    def restore_best_weights(self) -> None:
        """Set the model's weights to those of the best epoch at the sparsity asked.

        Raises:
            UsageError: No epoch has reached it and logged the figure that tells the best.
        """
        if self._kept.weights is None:
            raise UsageError(
                "no epoch has reached the sparsity asked and logged what tells the best one: "
                "there are no weights to restore",
                hint="train on with fit(initial_epoch=…), or name another monitor",
            )
        self.model.set_weights(self._kept.weights)

    def goals_for(self, model: "Model") -> "tuple[Goal, ...]":
        """Return what each kernel of ``model`` will have to reach, before the training."""
        self._goals = plan(model, self._spec)
        self._planned = (model, frozen_layers(kernels(model, depthwise=True)))
        return self._goals

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Lay a mask over each kernel, and make sure that the schedule can end in time."""
        del logs
        from edgekit.training.pruning.masks import Masks

        frozen = frozen_layers(kernels(self.model, depthwise=True))
        if self._planned is None or not _is_same(self._planned, (self.model, frozen)):
            self.goals_for(self.model)
        if frozen:
            warnings.warn(f"not pruned, for they are frozen: {quoted(frozen)}", stacklevel=2)
        self._masks = Masks([array for goal in self._goals for array in goal.arrays])
        self._schedule = None
        self._renewed = None
        self._epochs_done = 0
        self._kept.forget()
        after_all_callbacks(self.model, self._check_the_end)

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Count steps from the epoch, so that a resumed training goes on in the schedule."""
        del logs
        steps = self.params.get("steps")
        if not steps:
            raise InputError(
                "the length of an epoch is unknown: the schedule cannot be planned",
                hint="give steps_per_epoch to fit",
            )
        self._first_step = epoch * steps
        if self._schedule is None:
            begin = round(self._spec.warmup_epochs * steps) + self._spec.warmup_steps
            self._schedule = schedule_for(
                self._spec.schedule, steps=self.params["epochs"] * steps, begin_step=begin
            )
            if self._first_step > begin:  # resumed: what is zero stays zero
                self._masks.renew([mask for goal in self._goals for mask in goal.standing()])

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Renew the masks where the schedule says so, and put them into force."""
        del logs
        assert self._schedule is not None
        step = self._first_step + batch
        if self._is_due(step, self._schedule):
            self._masks.apply()
            share = self._schedule.share_at(step)
            self._masks.renew([mask for goal in self._goals for mask in goal.masks(share)])
            self._renewed = step
        else:
            self._masks.apply()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Write the fraction of zeros into ``logs``, and keep the best epoch at the sparsity."""
        self._epochs_done = epoch + 1
        self._zeros = zeros_in(self._kernels).fraction
        if logs is not None:
            logs["sparsity"] = self._zeros
        if self.reached:
            self._kept.offer(epoch, logs or {}, self.model)

    @property
    def _kernels(self) -> list[Kernel]:
        return [kernel for goal in self._goals for kernel in goal.kernels]

    def _check_the_end(self) -> None:
        """Warn where the training has not left the sparsity asked, whoever took it back."""
        zeros = zeros_in(self._kernels).fraction
        if not self._epochs_done:
            return
        if not self.reached and any(goal.is_missed() for goal in self._goals):
            warnings.warn(
                f"the training ended after epoch {self._epochs_done} of {self.params['epochs']}, "
                f"before the sparsity was reached: {zeros:.1%} of the pruned weights are zero; "
                f"train on with fit(initial_epoch={self._epochs_done})",
                stacklevel=2,
            )
        elif self.reached and zeros < self._zeros:
            warnings.warn(
                f"{zeros:.1%} of the pruned weights are zero, not the {self._zeros:.1%} that "
                "pruning reached: a callback, such as EarlyStopping(restore_best_weights=True), "
                "put the weights of an earlier epoch back; restore_best_weights() of "
                f"MagnitudePruning takes those of {self._kept.described}",
                stacklevel=2,
            )

    def _is_due(self, step: int, schedule: "Schedule") -> bool:
        """Return whether the masks are renewed at ``step``; steps may come several at once."""
        if step < schedule.begin_step:
            return False
        if self._renewed is None:
            return True
        if self._renewed >= schedule.end_step:
            return False
        return step >= schedule.end_step or step - self._renewed >= schedule.frequency


def _is_same(one: "tuple[Model, tuple[str, ...]]", other: "tuple[Model, tuple[str, ...]]") -> bool:
    """Return whether both are the same live model, with the same layers frozen."""
    return one[0] is other[0] and one[1] == other[1]


class KeepZeros(Observer):
    """Keeps what is zero when training begins at zero: for fine-tuning.

    Every weight, and what is added to channels that nothing makes any more.
    """

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Lay a mask over each kernel that holds a zero, and over what must stay with it."""
        del logs
        from edgekit.training.pruning.masks import Masks

        found = [kernel for kernel in kernels(self.model, depthwise=True) if kernel.zero_fraction()]
        shifts = [
            (part.kernel, part.mask(group.alive()))
            for group in channel_groups(self.model)
            for part in group.shifts
            if not group.alive().all()
        ]
        self._masks = Masks([*found, *(kernel for kernel, _ in shifts)])
        self._masks.renew(
            [*(kernel.values() != 0 for kernel in found), *(mask for _, mask in shifts)]
        )

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Put the masks into force."""
        del batch, logs
        self._masks.apply()
