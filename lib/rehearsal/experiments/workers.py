"""Do the runs: one after another here, or in chunks on any `concurrent.futures.Executor`.

A chunk travels as one cloudpickle, so that recipes and handlers written in a notebook need nothing at the other end but
this library, and what they share is still shared there. Who does a run, and when, changes nothing in its result.
"""

import os
from collections.abc import Callable
from concurrent.futures import Future, as_completed
from itertools import count
from traceback import format_exc
from typing import NamedTuple

from rehearsal.experiments.metrics import measured

CHUNKS = 64  # at least so many, if there are as many runs: small enough to share out, and to keep on Ctrl-C
_calls = count()


class Failure(NamedTuple):
    """Hold what went wrong in one run."""

    error: str
    traceback: str


class Work(NamedTuple):
    """Hold what the runs of an experiment share: the recipe, its points and the warm-up [ms]."""

    recipe: Callable
    points: list
    warmup: float = 0.0

    def attempt(self, task):
        """Return the metrics of one run (place of the point, seed), or its Failure."""
        place, seed = task
        try:
            return measured(self.recipe(seed, **self.points[place]), self.warmup)
        except (Exception, SystemExit) as error:  # Ctrl-C alone ends it
            return Failure(f"{type(error).__name__}: {error}", format_exc())


def outcomes(work, tasks, executor=None):
    """Yield (task, outcome) as they come; pass Ctrl-C on, here and from a worker, when what is done was yielded."""
    if executor is None:
        yield from ((task, work.attempt(task)) for task in tasks)
        return
    chunks = cut(tasks, executor) if tasks else []
    futures = {_submit(executor, pickled(work, chunk)): chunk for chunk in chunks}
    left = dict(futures)
    try:
        for future in as_completed(futures):
            chunk = left.pop(future)
            found = _result(future, chunk)
            yield from zip(chunk, found, strict=False)
            if len(found) < len(chunk):
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        for future, chunk in left.items():  # what has come back meanwhile
            if future.done() and not future.cancelled() and not isinstance(future.exception(), KeyboardInterrupt):
                yield from zip(chunk, _result(future, chunk), strict=False)
        raise
    finally:
        for future in futures:
            future.cancel()


def cut(tasks, executor):
    """Return the tasks in chunks, several for each worker."""
    workers = getattr(executor, "_max_workers", None) or os.cpu_count() or 1
    size = -(-len(tasks) // max(CHUNKS, 8 * workers))
    return [tasks[i : i + size] for i in range(0, len(tasks), size)]


def pickled(work, chunk):
    """Return the bytes of one chunk with the points that it needs."""
    import cloudpickle

    needed = {place: work.points[place] for place, _ in chunk}
    try:
        return cloudpickle.dumps((work._replace(points=needed), chunk))
    except Exception as error:
        raise TypeError(
            f"the recipe cannot travel to other processes ({error}): make there what it uses, inside the recipe"
        ) from error


def perform(blob, call):
    """Do a chunk of runs, in a worker; on Ctrl-C return those that are done.

    `call` is a number that no other chunk has: Dask answers a call that it has seen from memory.
    """
    import cloudpickle

    work, chunk = cloudpickle.loads(blob)
    found = []
    try:
        for task in chunk:
            found.append(work.attempt(task))
    except KeyboardInterrupt:
        pass
    return found


def _submit(executor, blob):
    try:
        return executor.submit(perform, blob, next(_calls))
    except Exception as error:  # the pool broke while it was being filled
        future: Future = Future()
        future.set_exception(error)
        return future


def _result(future, chunk):
    try:
        return future.result()
    except Exception as error:  # no recipe raises here: a worker died, or the answer did not come back
        return [Failure(f"{type(error).__name__}: {error}", "")] * len(chunk)
