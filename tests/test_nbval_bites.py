"""nbval with our conftest.py fails what a reader would call broken (see there), and passes what is not."""

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

ROOT = Path(__file__).parent.parent


def cell(source, text=None, count=1, tags=()):
    """Return a code cell that was committed with this printed output."""
    outputs = [new_output("stream", name="stdout", text=text)] if text else []
    return new_code_cell(source, execution_count=count, outputs=outputs, metadata={"tags": list(tags)})


# what it is: (the cell, words of its failure or None where it has to pass); one kernel runs them all
CELLS = {
    "an honest number": (cell("print(6 * 7)", "42\n"), None),
    "a value silenced by a semicolon": (cell("6 * 7;"), None),
    "an error that is expected": (cell("1 / 0", tags=["raises-exception", "nbval-ignore-output"]), None),
    "a number that drifted": (cell("print(6 * 7)", "41\n"), "Cell outputs differ"),
    "a cell never run": (cell("print(6 * 7)", count=None), "without having been run"),
    "a cell whose outputs were stripped": (cell("print(6 * 7)"), "Cell outputs differ"),
    "an error": (cell("1 / 0"), "caused an exception"),
    "an unknown magic": (cell("%no_such_magic", tags=["nbval-ignore-output"]), "failed without a traceback"),
    "an unknown cell magic": (cell("%%no_such_magic\n1", tags=["nbval-ignore-output"]), "failed without"),
    "a dead kernel": (cell("import os; os._exit(1)"), "kernel died"),
    "a cell after that": (cell("6 * 7;"), "Kernel dead"),
}


@pytest.fixture(scope="module")
def failures(tmp_path_factory):
    """Run the cells above in a pytest of their own and return the message of each failure, or None."""
    folder = tmp_path_factory.mktemp("notebook")
    nbformat.write(new_notebook(cells=[each for each, _ in CELLS.values()]), folder / "cells.ipynb")
    report = folder / "report.xml"
    options = ["-c", "pyproject.toml", "-p", "conftest", "-p", "no:cacheprovider", f"--junitxml={report}"]
    command = [sys.executable, "-m", "pytest", *options, str(folder)]
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, timeout=120)
    cases = ElementTree.parse(report).iter("testcase")
    return ["".join(case.itertext()) if len(case) else None for case in cases]


@pytest.mark.parametrize("place", range(len(CELLS)), ids=CELLS)
def test_a_cell_gets_the_verdict_it_deserves(failures, place):
    _, expected = list(CELLS.values())[place]
    if expected is None:
        assert failures[place] is None
    else:
        assert expected in failures[place]
