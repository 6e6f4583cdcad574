import pickle

import pytest

from edgekit import errors


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.UsageError, 2),
        (errors.InputError, 3),
        (errors.UnsupportedModelError, 4),
        (errors.MissingDependencyError, 5),
        (errors.ToolError, 6),
    ],
)
def test_each_error_has_its_exit_code_and_crosses_processes_whole(
    kind: type[errors.EdgekitError], code: int
) -> None:
    error = pickle.loads(pickle.dumps(kind("what", hint="do this")))
    assert (error.exit_code, error.message, error.hint) == (code, "what", "do this")


def test_suggestion_names_the_nearest_or_all() -> None:
    assert errors.suggestion("esp32s3", ["esp32-s3", "pixel-4"]) == "did you mean 'esp32-s3'?"
    assert errors.suggestion("zzz", ["b", "a"]) == "known: a, b"
