"""Keep what was measured on disk, and find it again where nothing that it depends on has changed."""

import json
from functools import cache
from hashlib import sha256
from pathlib import Path
from shutil import rmtree

from rehearsal.experiments.workers import Failure, pickled

FOLDER = ".rehearsal-cache"


class Cache:
    """Look up runs before they are done; off by default.

    Invariant: the key of a run is a digest of everything that it is a function of: the recipe with all it refers to,
    the values at its point, the warm-up, the seed, and the source of this library and of the recipe's own module. What
    it does not see: other modules of the reader's own that the recipe imports, files it reads, a clock it looks at.
    Failures are not kept.
    """

    def __init__(self, wanted, work):
        self.work = work
        self.wanted, self.folder = bool(wanted), Path(FOLDER if isinstance(wanted, bool) else wanted)
        if self.wanted:
            self.base = sha256(library() + own_source(work.recipe)).hexdigest()

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
        alone = self.work._replace(points={0: self.work.points[place]})
        return self.folder / f"{sha256(self.base.encode() + pickled(alone, [(0, seed)])).hexdigest()}.json"


def clear_cache(folder=FOLDER):
    """Forget everything that was kept in a folder, and return how many runs that were."""
    kept = list(Path(folder).glob("*.json"))
    if kept:
        rmtree(folder)
    return len(kept)


@cache
def library():
    """Return the source of this library, as bytes."""
    root = Path(__file__).parent.parent
    return b"".join(path.read_bytes() for path in sorted(root.rglob("*.py")))


def own_source(recipe):
    """Return the source of the module a recipe is in, as bytes; a notebook's cells travel with the recipe itself."""
    file = getattr(recipe, "__globals__", {}).get("__file__")
    return Path(file).read_bytes() if file and Path(file).exists() else b""
