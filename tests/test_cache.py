"""The cache: it finds what it has, and nothing where anything that a run depends on has changed."""

import importlib
import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from textwrap import dedent
from threading import Lock

import numpy as np
import pytest

from rehearsal import Exponential, Poisson, System, ms, run
from rehearsal.experiments import clear_cache, keys, replicate, sweep
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


@pytest.mark.parametrize("damage", ["{broken", "", "[1]", "null", "{}", '{"value": null}', "\udcff"])
def test_what_cannot_be_read_is_not_there_and_is_replaced(tmp_path, damage):
    ask = partial(replicate, lambda seed: seed, 2, cache=tmp_path, **QUIET)
    whole = ask()
    for path in tmp_path.iterdir():
        path.write_text(damage, encoding="utf-8", errors="surrogateescape")
    assert ask().equals(whole) and sorted(path.read_text() for path in tmp_path.iterdir()) == [
        '{"value": 0}', '{"value": 1}'
    ]  # fmt: skip


def test_where_all_is_kept_nobody_else_has_anything_to_do(tmp_path):
    with ProcessPoolExecutor(1) as pool:
        first, again = (replicate(lambda seed: seed, 2, cache=tmp_path, executor=pool, **QUIET) for _ in range(2))
    assert first.equals(again)


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
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONDONTWRITEBYTECODE": "1"}
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


@pytest.fixture
def module(monkeypatch, tmp_path):
    """Return a function that makes a module of the reader's own, or of a package in a folder."""
    made = []

    def make(name, source, folder="."):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / f"{name}.py").write_text(dedent(source))
        monkeypatch.syspath_prepend(str(tmp_path / folder))
        made.append(name)
        return importlib.import_module(name)

    yield make
    for name in made:
        del sys.modules[name]
    keys._release.cache_clear()


PARTS = """
    import threading
    RATE = 1
    OTHER = threading.Lock()
    class Desk: workers = 1
    def wait(seed): return seed + RATE
"""


@pytest.mark.parametrize(("source", "change"), [
    ("def recipe(seed): return seed + m.RATE", lambda m: setattr(m, "RATE", 100)),
    ("def recipe(seed): return [seed + m.RATE for _ in range(2)][0]", lambda m: setattr(m, "RATE", 100)),
    ("def recipe(seed): return m.wait(seed)", lambda m: setattr(m, "RATE", 100)),
    ("def recipe(seed): return wait(seed)", lambda m: setattr(m, "RATE", 100)),
    ("def recipe(seed): return m.wait(seed)", lambda m: setattr(m, "wait", lambda seed: 100)),
    ("def recipe(seed): return seed + m.Desk.workers", lambda m: setattr(m.Desk, "workers", 100)),
    ("def recipe(seed): return seed + Desk.workers", lambda m: setattr(m.Desk, "workers", 100)),
    ("def recipe(seed): return seed + Desk().workers", lambda m: setattr(m.Desk, "workers", 100)),
])  # fmt: skip
def test_the_values_that_are_used_of_ones_own_modules_count_as_they_are_now(module, source, change):
    parts = module("parts", PARTS)
    recipe = cell(source, m=parts, wait=parts.wait, Desk=parts.Desk)
    before = digest(recipe)
    parts.UNUSED = 1
    assert digest(recipe) == before
    change(parts)
    assert digest(recipe) != before


@pytest.mark.parametrize("source", [
    "def recipe(seed): return seed + getattr(m, 'RATE')",
    "def recipe(seed): n = m; return seed + n.RATE",
    "def recipe(seed):\n import parts as n; return seed + n.RATE",
    "def recipe(seed):\n from parts import RATE as n; return seed + n",
])  # fmt: skip
def test_where_it_is_not_known_which_values_are_used_all_of_them_count(module, source):
    parts = module("parts", "RATE = 1")
    recipe = cell(source, m=parts)
    before = digest(recipe)
    parts.RATE = 2
    assert digest(recipe) != before
    parts.lock = Lock()
    with pytest.raises(TypeError, match=r"'parts.lock'.* is a lock"):
        digest(recipe)


def test_a_module_within_a_module_is_read_to_the_value(module):
    inner = module("inner", "RATE = 1\nOTHER = 1")
    recipe = cell("def recipe(seed): return seed + m.inner.RATE", m=module("outer", "import inner"))
    before = digest(recipe)
    inner.OTHER = 2
    assert digest(recipe) == before
    inner.RATE = 2
    assert digest(recipe) != before


@pytest.mark.parametrize(("source", "named"), [
    ("def recipe(seed): return seed + float(os.environ.get('RATE', 0))", "os.environ"),
    ("def recipe(seed): return seed + float(os.getenv('RATE', 0))", "os.getenv"),
    ("def recipe(seed): return seed + float(environ['RATE'])", "os.environ"),
    ("def recipe(seed): return seed + globals()['RATE']", "globals"),
    ("def recipe(seed): return seed + eval('RATE')", "eval"),
    ("def recipe(seed): return __import__('parts').RATE", "__import__"),
    ("def recipe(seed): return importlib.import_module('parts').RATE", "importlib.import_module"),
    ("def helper(): return os.environ['RATE']\ndef recipe(seed): return helper()", "os.environ"),
])  # fmt: skip
def test_what_comes_from_outside_or_by_a_name_that_is_made_up_is_not_kept(tmp_path, source, named):
    recipe = cell(source, os=os, environ=os.environ, importlib=importlib)
    with pytest.raises(TypeError, match=f"no cache.*it uses {named}, and what that finds is not in the recipe"):
        replicate(recipe, 2, cache=tmp_path, **QUIET)


def test_an_installed_package_is_its_version(module, monkeypatch):
    package = module("package", "__version__ = '1'\nRATE = 1", "site-packages")
    recipe = cell("def recipe(seed): return package.RATE", package=package)
    before = digest(recipe)
    keys._release.cache_clear()
    package.__version__ = "2"
    assert digest(recipe) != before
    nameless = module("nameless", "RATE = 1", "site-packages")
    with pytest.raises(TypeError, match="the module 'nameless' has no version"):
        digest(cell("def recipe(seed): return nameless.RATE", nameless=nameless))


def test_what_has_a_version_is_told_from_ones_own():
    assert all(installed(sys.modules[name]) for name in ("sys", "os", "json", "numpy", "rehearsal", "builtins"))
    assert not installed(sys.modules[__name__]) and not installed(sys.modules["__main__"])
    assert importable("json") is None and importable("no.such.module") is None
    assert Path(importable("tests.processes").__file__).name == "processes.py"
