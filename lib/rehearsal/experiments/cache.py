"""Keep what was measured on disk, and find it again where nothing that it depends on has changed."""

import json
import re
import sys
from functools import cache
from pathlib import Path

from rehearsal.experiments.keys import LIBRARY, digest
from rehearsal.experiments.workers import Failure

FOLDER = ".rehearsal-cache"
NAME = re.compile(r"[0-9a-f]{64}\.(json|part)")


class Cache:
    """Look up runs before they are done; off by default.

    Invariant: the key of a run is a digest of everything that it is a function of: the recipe with its code, what it
    closes over and the globals it uses, the values at its point, the warm-up, the seed, this library and Python. What
    it cannot see: files a recipe reads, a clock it looks at, names it makes up. Failures are not kept.
    """

    def __init__(self, wanted, work):
        self.wanted, self.folder = bool(wanted), Path(FOLDER if isinstance(wanted, bool) else wanted)
        if not self.wanted:
            return
        try:
            recipe = digest(library(), sys.version_info[:2], work.recipe, work.warmup)
            self.keys = [digest(recipe, point) for point in work.points]
        except TypeError as error:
            said = f"no cache, since it cannot be told what this recipe depends on: {error}. Say cache=False, or make"
            raise TypeError(f"{said} it inside the recipe") from None

    def first(self, tasks, rest):
        """Yield (task, outcome): what is kept, then what `rest(tasks)` does of the others, which it keeps."""
        if not self.wanted:
            yield from rest(tasks)
            return
        places = {task: self._place(task) for task in tasks}
        known = {task: place for task, place in places.items() if place.exists()}
        for task, place in known.items():
            yield task, json.loads(place.read_text(encoding="utf-8"))
        self.folder.mkdir(parents=True, exist_ok=True)
        for task, outcome in rest([task for task in tasks if task not in known]):
            if not isinstance(outcome, Failure):
                half = places[task].with_suffix(".part")
                half.write_text(json.dumps(outcome), encoding="utf-8")
                half.replace(places[task])  # so that Ctrl-C leaves whole files only
            yield task, outcome

    def _place(self, task):
        place, seed = task
        return self.folder / f"{digest(self.keys[place], seed)}.json"


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
