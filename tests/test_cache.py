"""The cache: it finds what it has, and nothing where anything that a run depends on has changed."""

import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest

from rehearsal import Exponential, Poisson, System, ms, run
from rehearsal.experiments import clear_cache, replicate, sweep
from rehearsal.experiments.keys import digest, importable, installed

QUIET = {"progress": False}


def test_the_cache_finds_what_it_has_and_nothing_else(tmp_path):
    calls = tmp_path / "calls"
    folder = tmp_path / "kept"

    def counted(seed, x, by=1, path=calls):
        with open(path, "a") as file:
            file.write(".")
        return x * by + seed

    def ask(seeds=2, **grid):
        frame = sweep(counted, grid, seeds=seeds, cache=folder, **QUIET)
        return list(frame["value"]), len(calls.read_text())

    assert ask(x=[1, 2]) == ([1, 2, 2, 3], 4)
    assert ask(x=[1, 2]) == ([1, 2, 2, 3], 4)  # found
    assert ask(x=[2, 3]) == ([2, 3, 3, 4], 6)  # half of it
    assert ask(x=[1], seeds=[1, 5]) == ([2, 6], 7)
    assert ask(x=[1], by=[5]) == ([5, 6], 9)  # another question
    assert (clear_cache(folder), clear_cache(folder), folder.exists()) == (9, 0, False)
    assert ask(x=[1]) == ([1, 2], 11)


def test_what_is_kept_is_the_same_to_the_bit(tmp_path):
    def recipe(seed, takes):
        system = System("queue")
        serve = system.service("desk").operation(takes=Exponential(takes * ms), name="serve")(lambda ctx, job: None)
        system.accepts("job", serve, objective=50 * ms)
        return run(system, Poisson("job", every=50, count=60), seed=seed)

    ask = partial(sweep, recipe, {"takes": [20.0, 40.0]}, 3, cache=tmp_path, **QUIET)
    first, again = ask(), ask()
    assert first.equals(again) and list(first.dtypes) == list(again.dtypes) and len(list(tmp_path.iterdir())) == 6
    cut = ask(warmup=500)
    assert not cut["mean"].equals(first["mean"]) and len(list(tmp_path.iterdir())) == 12


def test_it_is_off_by_default(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    replicate(lambda seed: seed, 2, **QUIET)
    assert list(tmp_path.iterdir()) == []
    replicate(lambda seed: seed, 2, cache=True, **QUIET)
    assert [path.name for path in tmp_path.iterdir()] == [".rehearsal-cache"] and clear_cache() == 2


def test_a_failure_is_not_kept(tmp_path):
    def fragile(seed):
        return 1 / seed

    with pytest.warns(UserWarning, match="ZeroDivisionError"):
        replicate(fragile, 2, cache=tmp_path, **QUIET)
    assert len(list(tmp_path.glob("*.json"))) == 1


def test_clearing_leaves_other_files_alone(tmp_path):
    (tmp_path / "thesis.json").write_text("{}")
    replicate(lambda seed: seed, 2, cache=tmp_path, **QUIET)
    assert clear_cache(tmp_path) == 2 and [path.name for path in tmp_path.iterdir()] == ["thesis.json"]


def test_what_cannot_be_told_is_not_kept_and_the_reason_is_said(tmp_path):
    with open(tmp_path / "log", "w") as log:
        with pytest.raises(TypeError, match=r"no cache.*'log' is a TextIOWrapper.*cache=False"):
            replicate(lambda seed: log.write("."), 2, cache=tmp_path, **QUIET)
        assert len(replicate(lambda seed: log.write("."), 2, **QUIET)) == 2


# What is a different recipe, and what is not


RATE = 1.0


def cell(source, **around):
    """Return the recipe that a cell of a notebook defines, with what was defined before it."""
    space = {"__name__": "__main__", **around}
    exec(compile(dedent(source), f"/tmp/cell_{len(around)}.py", "exec"), space)
    return space["recipe"]


BASE = """
    def helper(x): return 2 * x
    class Shop:
        size = 3
        def grow(self): return self.size
    def recipe(seed, x=1):
        def inner(y): return helper(y) + RATE
        return inner(x) + Shop().grow() + (x in {"a", "b"})
"""


def test_a_cell_that_is_run_again_is_the_same_recipe():
    assert digest(cell(BASE, RATE=1.0)) == digest(cell(BASE, RATE=1.0))
    assert digest(cell("\n\n# a remark\n" + dedent(BASE), RATE=1.0)) == digest(cell(BASE, RATE=1.0))
    recipe = cell(BASE, RATE=1.0)
    before = digest(recipe)
    for _ in range(100):  # the interpreter adapts code that is used much
        recipe(0)
    assert digest(recipe) == before


@pytest.mark.parametrize(("old", "new"), [
    ("inner(x) +", "inner(x) -"), ("return 2 *", "return 3 *"), ("size = 3", "size = 4"), ("x=1", "x=2"),
    ("return self.size", "return self.size + 1"), ("helper(y) + RATE", "helper(y) * RATE"), ('"b"', '"c"'),
    ("def inner(y)", "def inner(y, z=0)"),
])  # fmt: skip
def test_a_change_anywhere_in_the_code_is_another_recipe(old, new):
    assert old in BASE and digest(cell(BASE, RATE=1.0)) != digest(cell(BASE.replace(old, new), RATE=1.0))


def test_a_change_of_what_is_around_the_code_is_another_recipe():
    assert digest(cell(BASE, RATE=1.0)) != digest(cell(BASE, RATE=2.0)) != digest(cell(BASE, RATE=2))
    assert digest(cell(BASE, RATE=1.0, other=1)) == digest(cell(BASE, RATE=1.0, other=2))  # which it does not use
    scaled = lambda scale: lambda seed: seed * scale  # noqa: E731
    assert digest(scaled(2)) == digest(scaled(2)) != digest(scaled(3))
    assert digest(partial(max, 1)) == digest(partial(max, 1)) != digest(partial(max, 2)) != digest(partial(min, 2))


def shop(takes=20.0, answer="done"):
    """Return a blueprint with a handler."""
    system = System("shop")

    @system.service("desk").operation(takes=Exponential(takes))
    def serve(ctx, job):
        return answer

    system.accepts("job", serve)
    return system


def test_a_blueprint_is_read_to_its_handlers():
    assert digest(shop()) == digest(shop())
    assert len({digest(shop()), digest(shop(takes=21.0)), digest(shop(answer="late"))}) == 3


@dataclass
class Setting:
    """Hold what a recipe may refer to."""

    rate: float = 1.0


def test_values_are_read_to_their_parts():
    same = [lambda: Setting(2.0), lambda: {"a": [1, (2, 3)]}, lambda: {"x", "y", "z"}, lambda: np.arange(4),
            lambda: [[1], [1]], lambda: Setting, lambda: np.random.default_rng(3)]  # fmt: skip
    assert all(digest(make()) == digest(make()) for make in same)
    others = [1, 1.0, True, "1", b"1", None, (1,), [1], {1}, {1: 1}, Setting(2.0), Setting(3.0), np.arange(4),
              np.arange(5), ((1, 2), 3), (1, (2, 3)), ("ab", "c"), ("a", "bc"), len, max, np.mean]  # fmt: skip
    assert len({digest(each) for each in others}) == len(others)


def test_what_holds_itself_can_be_read():
    loop = [1]
    loop.append(loop)

    def again(n):
        return again(n - 1) if n else 0

    assert digest(loop) == digest(loop) and digest(again) == digest(again)


def session(folder, seed="0"):
    """Run a script in a session of its own; return what it measured, and how often it really did."""
    (folder / "script.py").write_text(dedent("""
        from functools import partial
        import helpers
        from rehearsal.experiments import replicate

        class Mine:
            words = {"a", "b", "c", "d"}

        def recipe(seed, x):
            import lazy
            with open("calls", "a") as file:
                file.write(".")
            return helpers.value(seed) + lazy.VALUE + x * len(Mine.words)

        print(replicate(partial(recipe, x=1), 2, cache="kept", progress=False)["value"].tolist())
        print(replicate(partial(helpers.recipe, x=1), 2, cache="kept", progress=False)["value"].tolist())
    """))  # fmt: skip
    environment = {**__import__("os").environ, "PYTHONHASHSEED": seed, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "script.py"], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:2], len((folder / "calls").read_text())


def test_another_session_finds_it_and_own_modules_count(tmp_path):
    """Under every order of sets; and a change in a module that the recipe's module imports is a change."""
    (tmp_path / "deep.py").write_text("SHIFT = 1\n")
    (tmp_path / "lazy.py").write_text("VALUE = 10\n")
    (tmp_path / "helpers.py").write_text(
        "import deep\ndef value(seed): return seed + deep.SHIFT\ndef recipe(seed, x): return value(seed) * x\n"
    )
    assert session(tmp_path) == (["[15, 16]", "[1, 2]"], 2)
    assert session(tmp_path, seed="7") == (["[15, 16]", "[1, 2]"], 2)  # found
    (tmp_path / "deep.py").write_text("SHIFT = 2\n")
    assert session(tmp_path) == (["[16, 17]", "[2, 3]"], 4)
    (tmp_path / "lazy.py").write_text("VALUE = 20\n")
    assert session(tmp_path) == (["[26, 27]", "[2, 3]"], 6)


def test_what_has_a_version_is_told_from_ones_own():
    assert all(installed(sys.modules[name]) for name in ("sys", "os", "json", "numpy", "rehearsal", "builtins"))
    assert not installed(sys.modules[__name__]) and not installed(sys.modules["__main__"])
    assert importable("json") is None and importable("no.such.module") is None
    assert Path(importable("tests.processes").__file__).name == "processes.py"
