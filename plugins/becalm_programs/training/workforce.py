"""Those who do the work: processes of this machine, or a Dask cluster, behind the same ``map``."""

import multiprocessing
import signal
import socket
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar, cast

from becalm.errors import UserError
from becalm_programs.formats.read import need

R = TypeVar("R")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Workforce:
    """Workers to hand tasks to.

    Attributes:
        executor: Who hands them on.
        size: How many tasks run at a time.
    """

    executor: Executor
    size: int

    def map(self, function: Callable[[T], R], tasks: Iterable[T], what: str) -> Iterator[tuple[T, R] | None]:
        """Tasks with what a function of a module makes of them, as they come; None now and then, so that the caller
        stays in charge.

        Args:
            what: What stays if a worker dies, for the sentence.

        Raises:
            UserError: If one does.
        """
        left, running = iter(tasks), dict[Future[R], T]()
        while True:
            # A few ahead, so that no worker waits and no more tasks are held than need be.
            for task in islice(left, 2 * self.size - len(running)):
                running[self.executor.submit(function, task)] = task
            if not running:
                return
            done, _ = wait(running, timeout=0.5, return_when=FIRST_COMPLETED)
            if not done:
                yield None
            for future in done:
                try:
                    result = future.result()
                except BrokenProcessPool as error:
                    told = f"a worker died, perhaps for want of memory; what is {what} stays, run it again"
                    raise UserError(told) from error
                yield running.pop(future), result


@contextmanager
def hire(workers: int | None, cluster: str | None, tasks: int) -> Iterator[Workforce]:
    """Workers for the length of the block. On leaving it early, what is under way is given up.

    Args:
        workers: Processes of this machine; not looked at with a cluster.
        cluster: Address of a Dask scheduler.
        tasks: How many there will be: no more processes are started.

    Raises:
        UserError: If dask is not installed or the scheduler cannot be reached.
    """
    if cluster is not None:
        with _dask(cluster) as workforce:
            yield workforce
        return
    size = max(1, min(workers or 1, tasks))
    # Not a fork: the parent may have threads, of torch and of solvers.
    executor = ProcessPoolExecutor(size, mp_context=multiprocessing.get_context("spawn"), initializer=_deaf)
    finished = False
    try:
        yield Workforce(executor, size)
        finished = True
    finally:
        processes = list((getattr(executor, "_processes", None) or {}).values())
        executor.shutdown(wait=finished, cancel_futures=True)
        if not finished:
            # Without this, leaving would wait for searches nobody wants any more.
            for process in processes:
                process.terminate()


def _deaf() -> None:
    """Ctrl-C, and the end of a terminal, reach all of its processes; the parent sees to its workers."""
    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)


def _knock(address: str) -> None:
    """Raises what is wrong if nothing listens at an address. A client that fails to connect complains once more when
    the process ends, and takes 20 seconds for it.
    """
    from distributed.comm.addressing import parse_address, parse_host_port
    from distributed.comm.registry import get_backend

    # Untyped functions.
    scheme, place = cast(Any, parse_address)(address)
    cast(Any, get_backend)(scheme)
    if scheme in ("tcp", "tls"):
        socket.create_connection(cast(Any, parse_host_port)(place), timeout=10).close()


@contextmanager
def _dask(address: str) -> Iterator[Workforce]:
    need("distributed", "--cluster")
    import distributed

    try:
        _knock(address)
        client: Any = cast(Any, distributed.Client)(address, timeout="10s", set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise UserError(f"no Dask scheduler answers at {address}: {error}") from error
    with client:
        size = sum(client.nthreads().values())
        if not size:
            raise UserError(f"the Dask cluster at {address} has no workers")
        # Labels depend on the seed alone only if no result is taken for another's.
        executor = client.get_executor(pure=False)
        try:
            yield Workforce(executor, size)
        finally:
            executor.shutdown(wait=False)
