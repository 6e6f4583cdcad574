"""A Keras callback that both Keras take, for it is built on neither."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgekit.training._tensorflow import Model


class Observer:
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


def after_all_callbacks(model: "Model", check: "Callable[[], None]") -> None:
    """Call ``check`` when the training that begins has ended for all other callbacks too.

    Both Keras put the history of a training last among its callbacks, and on the model.
    """
    history = getattr(model, "history", None)
    if history is None:  # a training loop of the user's own
        return

    def end(logs: object = None) -> None:
        del history.on_train_end  # what the class has is there again: nothing
        history.on_train_end(logs)
        check()

    history.on_train_end = end


def _nothing(*_args: object, **_kwargs: object) -> None:
    """Do nothing."""


_nothing._is_default = True  # type: ignore[attr-defined]  # noqa: SLF001  Keras 3 asks for it
