"""Keep what was measured on disk, and find it again where nothing that it depends on has changed."""

import json
import os
import re
import sys
from functools import cache
from pathlib import Path

from rehearsal.experiments.keys import LIBRARY, digest
from rehearsal.experiments.workers import Failure

FOLDER = ".rehearsal-cache"
NAME = re.compile(r"[0-9a-f]{64}\.(json|(\d+\.)?part)")


class Cache:
    """Look up runs before they are done; off by default.

    Invariant: the key of a run is a digest of everything that it is a function of: the recipe with its code, what it
    closes over and the globals it uses, the values at its point, the warm-up, the seed, this library and Python. Where
    it can be told that something is missing (environment variables, names that are made up), that is an error. What it
    cannot see: files a recipe reads, a clock it looks at, what was changed inside of installed packages. Failures are
    not kept, and what cannot be read is not there.
    """

    def __init__(self, wanted, recipe, warmup=0.0):
        if not isinstance(wanted, bool | str | os.PathLike | None):
            raise TypeError(f"cache is True, False or a folder, not {wanted!r}")
        self.wanted, self.folder = bool(wanted), Path(FOLDER if isinstance(wanted, bool | None) else wanted)
        self.recipe = _told(library(), sys.version_info[:3], recipe, warmup) if self.wanted else None

    def keys(self, points):
        """Return {place: key} of {place: point}."""
        return {place: _told(self.recipe, point) for place, point in points.items()} if self.wanted else {}

    def first(self, tasks, keys, rest):
        """Yield (task, outcome): what is kept, then what `rest(tasks)` does of the others, which it keeps."""
        if not self.wanted:
            yield from rest(tasks)
            return
        places = {task: self.folder / f"{digest(keys[task[0]], task[1])}.json" for task in tasks}
        known = {task: outcome for task, place in places.items() if (outcome := _kept(place)) is not None}
        yield from known.items()
        self.folder.mkdir(parents=True, exist_ok=True)
        for task, outcome in rest([task for task in tasks if task not in known]):
            if not isinstance(outcome, Failure):
                half = places[task].with_suffix(f".{os.getpid()}.part")
                half.write_text(json.dumps(outcome), encoding="utf-8")
                half.replace(places[task])  # so that Ctrl-C leaves whole files only
            yield task, outcome


def _told(*things):
    try:
        return digest(*things)
    except (TypeError, RecursionError) as error:
        said = f"no cache, since it cannot be told what this recipe depends on: {error}. Say cache=False, make"
        raise TypeError(f"{said} it inside the recipe, or make it a parameter") from None


def _kept(place):
    """Return the metrics that a file holds; None where there is none that can be read."""
    try:
        found = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and found and all(map(_number, found.values())) else None


def _number(value):
    return isinstance(value, int | float) and not isinstance(value, bool)


def clear_cache(folder=FOLDER):
    """Forget everything that was kept in a folder, and return how many runs that were; other files stay.

    >>> clear_cache("a folder that is not there")
    0
    """
    mine = [path for path in Path(folder).glob("*") if NAME.fullmatch(path.name)]
    for path in mine:
        path.unlink()
    if mine and not any(Path(folder).iterdir()):
        Path(folder).rmdir()
    return sum(path.suffix == ".json" for path in mine)


@cache
def library():
    """Return the source of this library, as bytes."""
    return b"".join(path.read_bytes() for path in sorted(LIBRARY.rglob("*.py")))
