"""The house keeps its order: floors, sizes, quiet imports, docstrings, colours."""

import ast
import re
import subprocess
import sys
import tokenize
from pathlib import Path

import networkx as nx
import pytest

LIB = Path(__file__).parent.parent / "lib"
FILES = sorted((LIB / "rehearsal").rglob("*.py"))

# Which floor a room is on. What is not named is a question, floor 4; only the front door sees them all.
FLOORS = {"units": 0, "errors": 0, "arguments": 0, "draws": 0, "trace": 0}
FLOORS |= {"service": 1, "system": 1, "load": 1, "policies": 1, "faults": 1, "network": 1}
FLOORS |= {"contacts": 1, "check": 1, "faultcheck": 1}
FLOORS |= {"engine": 2, "process": 3, "draw": 5, "interop": 5}
QUESTIONS, FRONT_DOOR = 4, 6


def name_of(path):
    """Return the dotted name of a module of the library."""
    parts = path.relative_to(LIB).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in FILES}


def floor(module):
    """Return the floor of a module."""
    parts = module.split(".")
    return FRONT_DOOR if len(parts) == 1 else FLOORS.get(parts[1], QUESTIONS)


def parsed(path):
    """Return the syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(tree):
    """Yield the full name of each module that the nodes of a tree import."""
    for node in tree:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in MODULES else node.module


def by_module(test):
    """Run a test once for each module of the library."""
    return pytest.mark.parametrize("module", MODULES)(test)


@by_module
def test_a_module_imports_only_from_its_own_floor_and_those_below(module):
    used = {name for name in imports(ast.walk(parsed(MODULES[module]))) if name.startswith("rehearsal")}
    assert [f"{name} (floor {floor(name)})" for name in sorted(used) if floor(name) > floor(module)] == []


def test_no_modules_import_each_other_in_a_circle():
    graph = nx.DiGraph()
    for module, path in MODULES.items():
        inner = (name for name in imports(parsed(path).body) if name in MODULES)
        graph.add_edges_from((module, name) for name in inner if name != module)
    packages = {module for module, path in MODULES.items() if path.name == "__init__.py"}
    circles = [circle for circle in nx.simple_cycles(graph) if not packages & set(circle)]
    assert circles == []


@by_module
def test_only_the_engine_imports_simpy(module):
    if floor(module) != FLOORS["engine"]:
        used = imports(ast.walk(parsed(MODULES[module])))
        assert not [name for name in used if name.split(".")[0] == "simpy"]


@by_module
def test_a_file_has_at_most_300_lines(module):
    assert len(MODULES[module].read_text(encoding="utf-8").splitlines()) <= 300


def functions(tree):
    """Yield the functions and methods of a tree."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@by_module
def test_a_function_has_at_most_40_lines(module):
    sizes = {}
    for node in functions(parsed(MODULES[module])):
        body = node.body[ast.get_docstring(node) is not None :] or node.body
        sizes[node.name] = body[-1].end_lineno - body[0].lineno + 1
    assert {name: size for name, size in sizes.items() if size > 40} == {}


def lines_of_code(path):
    """Return how many lines of a file are code: neither blank nor comment nor docstring."""
    marks = (
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENDMARKER,
    )
    with open(path, "rb") as file:
        tokens = [token for token in tokenize.tokenize(file.readline) if token.type not in marks]
    lines = {line for token in tokens[1:] for line in range(token.start[0], token.end[0] + 1)}
    for node in ast.walk(parsed(path)):
        text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and node.value.value
        if isinstance(text, str):
            lines -= set(range(node.lineno, node.end_lineno + 1))
    return len(lines)


def test_lines_of_code_leave_out_what_is_not_code(tmp_path):
    (tmp_path / "room.py").write_text('"""One.\n\nTwo.\n"""\n\n# a comment\nx = """a\nb"""\n\n\ndef f():\n    "f."\n')
    assert lines_of_code(tmp_path / "room.py") == 3


# Rooms a reader opens only when something breaks: the catalogue of faults and policies, and what performs them.
SIDE_ROOMS = {"policies", "faults", "network", "faultcheck", "engine.breakage", "engine.crashes", "engine.wear"}
SIDE_ROOMS |= {"engine.traps", "engine.weather", "engine.cancel", "engine.guards", "engine.breakers"}
# And those that hold what survives it: effects, keys, outboxes, order; what is down, who is left, and the restart.
SAFE_ROOMS = {"engine.once", "engine.ledger", "engine.outbox", "engine.lanes"}
SAFE_ROOMS |= {"engine.outages", "engine.replicas", "engine.restarts"}


def sitting(module):
    """Return in which sitting a room of floors 0 to 3 is read: the machine, what breaks, what lasts, or the styles."""
    room = module.removeprefix("rehearsal.")
    side = "breaks" if room in SIDE_ROOMS else "lasts" if room in SAFE_ROOMS else "runs"
    return "styles" if floor(module) == 3 else side


@pytest.mark.parametrize(("what", "most"), [("runs", 2360), ("breaks", 1195), ("lasts", 275), ("styles", 760)])
def test_floors_0_to_3_can_be_read_in_a_few_sittings(what, most):
    sizes = {module: lines_of_code(path) for module, path in MODULES.items() if floor(module) <= 3}
    assert sizes.keys() >= {f"rehearsal.{room}" for room in SIDE_ROOMS | SAFE_ROOMS}
    assert sum(size for module, size in sizes.items() if sitting(module) == what) <= most, sizes


def test_floors_0_to_4_load_no_numpy_matplotlib_or_pandas():
    quiet = ["rehearsal", *(module for module in MODULES if floor(module) <= QUESTIONS)]
    source = f"import sys, {', '.join(quiet)}; print({{'numpy', 'matplotlib', 'pandas'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=60)
    assert (done.stdout.strip(), done.stderr) == ("set()", "")


def public(tree):
    """Yield the module, its public functions and classes, and methods of classes that inherit none."""
    yield tree
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            methods = node.body if isinstance(node, ast.ClassDef) and not node.bases else []
            yield from (m for m in methods if isinstance(m, ast.FunctionDef) and not m.name.startswith("_"))


@by_module
def test_what_is_public_says_in_one_line_what_it_is(module):
    tree = parsed(MODULES[module])
    silent = []
    for node in public(tree):
        first, *rest = (ast.get_docstring(node) or "").splitlines() or [""]
        if not first.endswith((".", "?")) or (rest and rest[0]):
            silent.append(getattr(node, "name", "the module"))
    assert silent == []


@by_module
def test_hex_colours_live_in_the_palette_only(module):
    if module != "rehearsal.draw.palette":
        strings = (node.value for node in ast.walk(parsed(MODULES[module])) if isinstance(node, ast.Constant))
        colours = [text for text in strings if isinstance(text, str) and re.search(r"#[0-9a-fA-F]{6}\b", text)]
        assert colours == []
