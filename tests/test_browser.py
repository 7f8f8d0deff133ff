"""The first notebook, opened in JupyterLab in a real browser and run as a whole, shows what is committed."""

import os

import nbformat
import pytest

from tests import lab
from tests.notebook_rules import NOTEBOOKS, START

MISSING = "no Chromium for the test in a browser; on Debian and Ubuntu: sudo apt install chromium"


@pytest.fixture
def chromium():
    """Skip without a browser; fail where there has to be one, as .ci/run says."""
    if not lab.browser():
        (pytest.fail if os.environ.get("REHEARSAL_REQUIRE_BROWSER") else pytest.skip)(MISSING)


def figures(notebook):
    """Return the alt texts of a notebook's figures, in their order."""
    outputs = (output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs)
    data = (output.data for output in outputs if "data" in output)
    return [each["text/plain"] for each in data if "image/png" in each]


def test_run_all_in_the_browser_shows_what_is_committed(chromium, tmp_path):
    committed = nbformat.read(NOTEBOOKS / START, as_version=4)
    notebook, pictures = lab.run_all(NOTEBOOKS / START, tmp_path)
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert not [output.evalue for cell in code for output in cell.outputs if output.output_type == "error"]
    assert figures(notebook) == figures(committed)
    assert pictures == len(figures(committed))
