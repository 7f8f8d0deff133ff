"""What a recipe is made of, as a digest: its code, what it closes over, the globals it uses, and so on down.

The digest is the same in every session and on every line of a notebook: names of files, line numbers and the order of
sets are left out. Two things that differ in what they would do never share one, as far as Python can tell; where it
cannot (an open file, a lock, a generator, an environment variable, a name that is made up), that is said. Of a module
of the reader's own, the values that are used count as they are now; of an installed one, its version does.
"""

import builtins
import dis
import importlib
import os
import sys
import sysconfig
from functools import cache, cached_property
from hashlib import sha256
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, MappingProxyType, MethodType, ModuleType

PLAIN = (type(None), bool, int, float, complex, str, bytes, type(Ellipsis), type(NotImplemented))
LOADS = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS")
SHAPE = ("co_name", "co_code", "co_names", "co_varnames", "co_freevars", "co_cellvars", "co_flags", "co_argcount",
         "co_posonlyargcount", "co_kwonlyargcount", "co_exceptiontable")  # fmt: skip
# What a class has and does not depend on, or what its functions say again.
ASIDE = {"__dict__", "__weakref__", "__module__", "__doc__", "__firstlineno__", "__static_attributes__", "_abc_impl",
         "__annotations__", "__annotate__", "__annotate_func__", "__annotations_cache__", "__dataclass_fields__",
         "__dataclass_params__"}  # fmt: skip
INSTALLED = tuple(Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib"))
PACKAGES = {"site-packages", "dist-packages"}
LIBRARY = Path(__file__).parent.parent
# What a recipe is told from the outside, or by a name that only its run knows.
OPAQUE = {id(thing): name for thing, name in (
    (os.environ, "os.environ"), (os.getenv, "os.getenv"), (globals, "globals"), (eval, "eval"), (exec, "exec"),
    (__import__, "__import__"), (importlib.import_module, "importlib.import_module"))}  # fmt: skip


def digest(*things):
    """Return a digest of some things and all that they are made of, or raise TypeError and say what cannot be told.

    >>> def recipe(scale): return lambda seed: scale * seed
    >>> digest(recipe(2)) == digest(recipe(2)), digest(recipe(2)) == digest(recipe(3))
    (True, False)
    """
    reader = Reader()
    for thing in things:
        reader.read(thing)
    return reader.sha.hexdigest()


class Reader:
    """Feed things to a hash, each with all that it is made of.

    Invariant: what is fed tells where each thing begins and ends, so that no two rows of things feed the same.
    """

    def __init__(self):
        self.sha = sha256()
        self.seen: dict = {}  # id: (number, the thing, so that its id stays its own)
        self.path: list = []

    def say(self, *words):
        """Feed some words."""
        for word in words:
            data = word if isinstance(word, bytes) else str(word).encode("utf-8", "surrogatepass")
            self.sha.update(len(data).to_bytes(8, "little") + data)

    def read(self, thing, name=None):
        """Feed a thing; `name` is where it was found, for the error."""
        self.path.append(name)
        if id(thing) in OPAQUE:
            raise TypeError(f"it uses {OPAQUE[id(thing)]}, and what that finds is not in the recipe")
        if type(thing) in PLAIN:
            self.say(type(thing).__name__, repr(thing))
        elif type(thing) in (tuple, frozenset, CodeType):  # these cannot hold themselves
            self._part(thing)
        elif id(thing) in self.seen:
            self.say("again", self.seen[id(thing)][0])
        else:
            self.seen[id(thing)] = len(self.seen), thing
            self._part(thing)
        self.path.pop()

    def _part(self, thing):
        if isinstance(thing, type):
            self._class(thing)
        else:
            READ.get(type(thing), Reader._other)(self, thing)

    def _row(self, row):
        self.say(type(row).__name__, len(row))
        for each in row:
            self.read(each)

    def _set(self, things):
        self.say(type(things).__name__, *sorted(map(digest, things)))

    def _dict(self, pairs):
        self.say("dict", len(pairs))
        for key, value in pairs.items():
            self.read(key)
            self.read(value, key if isinstance(key, str) else None)

    def _code(self, code):
        self.say("code", *(repr(getattr(code, name)) for name in SHAPE))
        self.read(code.co_consts)

    def _function(self, function):
        module = sys.modules.get(function.__module__ or "")
        self.say("function", function.__qualname__.rpartition("<locals>.")[2])
        theirs = module is not None and vars(module) is function.__globals__ and installed(module)
        if theirs:
            self.say(*version(module))
        self.read(function.__code__)
        for part in (function.__defaults__, function.__kwdefaults__, function.__dict__):
            self.read(part)
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            self._cell(name, cell)
        if not theirs:
            self._globals(function)

    def _globals(self, function):
        """Feed the globals that a function uses, and the modules of the reader's own that it imports inside itself."""
        around = function.__globals__
        for name, *chain in chains(function.__code__):
            if name in around or hasattr(builtins, name):
                self.say(name)
                self._reach(around[name] if name in around else getattr(builtins, name), chain, name)
        for name in used(function.__code__, ("IMPORT_NAME",)):
            for each in (name, f"{around.get('__package__') or ''}.{name}".strip(".")):
                self.read(importable(each))

    def _reach(self, thing, chain, name):
        """Feed what a chain of attributes comes to, as soon as that is no module any more."""
        for name in chain:
            if not isinstance(thing, ModuleType) or not hasattr(thing, name):
                break
            self.say("of", *version(thing), name)
            inside, thing = thing, getattr(thing, name)
            if installed(inside) and not isinstance(thing, ModuleType) and id(thing) not in OPAQUE:
                return  # its version says what it is
        self.read(thing, name)

    def _cell(self, name, cell):
        try:
            contents = cell.cell_contents
        except ValueError:  # not bound yet
            self.say("empty", name)
        else:
            self.read(contents, name)

    def _class(self, kind):
        self.say("class", kind.__module__, kind.__qualname__)
        module = sys.modules.get(kind.__module__)
        if module is not None and installed(module) and getattr(module, kind.__name__, None) is kind:
            self.say(*version(module))
            return
        self._row(kind.__bases__)
        for name in sorted(vars(kind).keys() - ASIDE):
            self.say(name)
            self.read(vars(kind)[name], f"{kind.__name__}.{name}")

    def _module(self, module):
        self.say("module", *version(module))
        if not installed(module):  # and nobody knows which of its values are used
            for name in sorted(name for name in vars(module) if not (name.startswith("__") and name.endswith("__"))):
                self.say(name)
                self.read(vars(module)[name], f"{module.__name__}.{name}")

    def _method(self, method):
        self.say("method", method.__name__)
        self.read(method.__self__)
        self.read(getattr(method, "__func__", None))

    def _wrapper(self, wrapper):
        self.say(type(wrapper).__name__)
        for name in ("__func__", "func", "fget", "fset", "fdel"):
            self.read(getattr(wrapper, name, None))

    def _other(self, thing):
        """Feed what a copy of a thing would be made of."""
        if hasattr(thing, "__objclass__") and callable(getattr(type(thing), "__get__", None)):  # of a slot, or in C
            self.say("descriptor", thing.__name__)
            return
        try:
            parts = thing.__reduce_ex__(4)
        except Exception as error:
            where = " of ".join(repr(name) for name in reversed(self.path) if name)
            raise TypeError(f"{where or 'the recipe'} is a {type(thing).__name__}: {error}") from None
        self.say("thing", type(thing).__module__, type(thing).__qualname__)
        if isinstance(parts, str):
            self.say(parts)
            self.read(getattr(thing, "__wrapped__", None))
            return
        for part in parts:
            self.read(list(part) if hasattr(part, "__next__") else part)


READ = {
    tuple: Reader._row, list: Reader._row, set: Reader._set, frozenset: Reader._set, dict: Reader._dict,
    MappingProxyType: Reader._dict, CodeType: Reader._code, FunctionType: Reader._function, ModuleType: Reader._module,
    MethodType: Reader._method, BuiltinFunctionType: Reader._method, staticmethod: Reader._wrapper,
    classmethod: Reader._wrapper, property: Reader._wrapper, cached_property: Reader._wrapper,
}  # fmt: skip


def used(code, opnames=LOADS):
    """Return the names that a piece of code loads in some ways, in itself or in what it defines.

    >>> def f(): import json; return [print(json) for _ in range(3)]
    >>> used(f.__code__), used(f.__code__, ("IMPORT_NAME",))
    (['print', 'range'], ['json'])
    """
    steps = (step for each in _codes(code) for step in dis.get_instructions(each))
    return sorted({step.argval for step in steps if step.opname in opnames})


def chains(code):
    """Return the globals that a piece of code loads, each with the attributes that it takes of it at once.

    >>> chains((lambda: print(dis.opmap.items, dis)).__code__)
    [('dis',), ('dis', 'opmap', 'items'), ('print',)]
    """
    found: set = set()
    for each in _codes(code):
        chain: tuple = ()
        for step in dis.get_instructions(each):
            if chain and step.opname in ("LOAD_ATTR", "LOAD_METHOD"):
                chain += (step.argval,)
            elif step.opname != "EXTENDED_ARG":
                found |= {chain}
                chain = (step.argval,) if step.opname in LOADS else ()
    return sorted(found - {()})


def _codes(code):
    """Return a piece of code and those of what it defines."""
    return [code, *(each for const in code.co_consts if isinstance(const, CodeType) for each in _codes(const))]


def importable(name):
    """Return the reader's own module of a name, imported as the recipe would; None where it is not one's own."""
    try:
        module = sys.modules.get(name) or (find_spec(name) and importlib.import_module(name))
    except (ImportError, ValueError):
        return None
    return None if module is None or installed(module) else module


def installed(module):
    """Return whether a module is Python's, of an installed package or of this library: what has a version."""
    file, spec = getattr(module, "__file__", None), getattr(module, "__spec__", None)
    if module.__name__ == "__main__":
        return False
    if file is None:
        return spec is not None and spec.origin in ("built-in", "frozen")
    path = Path(file)
    return not PACKAGES.isdisjoint(path.parts) or any(folder in path.parents for folder in (*INSTALLED, LIBRARY))


def version(module):
    """Return what tells one version of a module from another: that of its package, or its source if it is one's own."""
    if not installed(module):
        file = getattr(module, "__file__", None)
        return module.__name__, Path(file).read_bytes() if file and Path(file).exists() else b""
    return module.__name__, _release(module.__name__.partition(".")[0])


@cache
def _release(package):
    """Return the version of an installed package; Python and this library are in the key as a whole."""
    if package in sys.stdlib_module_names or package == LIBRARY.name:
        return ""
    said = getattr(sys.modules.get(package), "__version__", None)
    names = [] if said else metadata.packages_distributions().get(package, [])
    if not said and not names:
        raise TypeError(f"the module {package!r} has no version")
    return said or [metadata.version(name) for name in names]
