"""Points built on a cluster, through Dask distributed."""

from collections.abc import Generator
from importlib.util import find_spec
from typing import TYPE_CHECKING

from edgekit.comparison.point import Built, Failed, Job, build_apart
from edgekit.errors import MissingDependencyError, ToolError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

_PATIENCE_SECONDS = 10  # for an answer of the scheduler


def run_there(
    jobs: "Sequence[Job]", *, scheduler: str
) -> Generator[tuple[Job, Built | Failed], None, None]:
    """Yield every job with what came of it, as they end.

    Project and study must lie on a file system that all workers see under the same path. Each
    thread of a worker builds one point at a time.

    Args:
        jobs: What to build.
        scheduler: Address of a Dask scheduler: ``"tcp://host:8786"``.

    Raises:
        MissingDependencyError: Dask distributed is not installed.
        UsageError: No scheduler answers there.
    """
    if find_spec("distributed") is None:
        raise MissingDependencyError(
            "Dask distributed is not installed", hint='pip install "edgekit[cluster]"'
        )
    from distributed import Client, as_completed

    try:
        client = Client(scheduler, timeout=_PATIENCE_SECONDS)
    except (OSError, ValueError) as error:  # a timeout is an OSError
        raise UsageError(
            f"no Dask scheduler answers at {scheduler}",
            hint="start one with: dask scheduler, and dask worker tcp://HOST:8786 on each machine",
        ) from error
    with client:
        futures = {client.submit(build_apart, job, pure=False): job for job in jobs}
        try:
            for future in as_completed(futures):
                yield futures[future], _result(future)
        finally:
            client.cancel(list(futures))


def _result(future: object) -> Built | Failed:
    try:
        found = future.result()  # type: ignore[attr-defined]
    except Exception as error:  # noqa: BLE001  a worker that was lost has many types
        return Failed(kind=ToolError, message=f"the cluster lost this point: {error}")
    assert isinstance(found, Built | Failed)
    return found
