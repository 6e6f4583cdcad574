"""Pruning as a Keras callback: masks over the live weights, renewed as a schedule says."""

from typing import TYPE_CHECKING

from edgekit.errors import InputError
from edgekit.sparsity import schedule_for
from edgekit.train.channels import channel_groups
from edgekit.train.kernels import kernels, zeros_in
from edgekit.train.observer import Observer
from edgekit.train.plan import plan

if TYPE_CHECKING:
    from edgekit.sparsity import Schedule
    from edgekit.specs import PruneSpec
    from edgekit.train._tensorflow import Model
    from edgekit.train.goal import Goal


class MagnitudePruning(Observer):
    """Drives the smallest weights, or whole channels, to zero while the model trains.

    Masks lie over the live weights: no layer is wrapped, the optimizer is untouched, and the
    model is saved as it is. The sparsity is reached at three quarters of the training that
    follows the warm-up. A training that is resumed with ``initial_epoch`` goes on where the
    schedule was. Each epoch the fraction of zeros over all pruned kernels goes into ``logs``
    as ``sparsity``.

    Args:
        spec: How and how far to prune; its ``epochs`` are those of the training. Such as
            ``PruneSpec(sparsity=0.75, epochs=10)``.
    """

    def __init__(self, spec: "PruneSpec") -> None:
        if spec.sparsity == "auto":
            raise InputError(
                'sparsity = "auto" needs the data of a project',
                hint='give a number; "auto" is for the [prune] table of a project file',
            )
        self._spec = spec
        self._goals: tuple[Goal, ...] = ()

    def goals_for(self, model: "Model") -> "tuple[Goal, ...]":
        """Return what each kernel of ``model`` will have to reach, before the training."""
        self._goals = plan(model, self._spec)
        return self._goals

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Lay a mask over each kernel, and make sure that the schedule can end in time."""
        del logs
        from edgekit.train.masks import Masks

        if not self._goals:
            self.goals_for(self.model)
        self._masks = Masks([array for goal in self._goals for array in goal.arrays])
        self._schedule: Schedule | None = None
        self._renewed: int | None = None

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
        """Write the fraction of zeros into ``logs``."""
        del epoch
        if logs is not None:
            found = [kernel for goal in self._goals for kernel in goal.kernels]
            logs["sparsity"] = zeros_in(found).fraction

    def _is_due(self, step: int, schedule: "Schedule") -> bool:
        """Return whether the masks are renewed at ``step``; steps may come several at once."""
        if step < schedule.begin_step:
            return False
        if self._renewed is None:
            return True
        if self._renewed >= schedule.end_step:
            return False
        return step >= schedule.end_step or step - self._renewed >= schedule.frequency


class KeepZeros(Observer):
    """Keeps what is zero when training begins at zero: for fine-tuning.

    Every weight, and what is added to channels that nothing makes any more.
    """

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Lay a mask over each kernel that holds a zero, and over what must stay with it."""
        del logs
        from edgekit.train.masks import Masks

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
