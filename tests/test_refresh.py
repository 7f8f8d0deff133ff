"""A refreshed notebook keeps the rules for counts and metadata, and refreshing it again changes nothing."""

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from tests import notebook_rules as rules
from tests.refresh import refresh


def test_a_second_refresh_leaves_an_empty_diff(tmp_path):
    cells = [new_code_cell("print(6 * 7)", metadata={"collapsed": True, "tags": ["kept"]}), new_code_cell("6 * 7")]
    path = tmp_path / "notebook.ipynb"
    nbformat.write(new_notebook(cells=cells, metadata={"widgets": {}}), path)
    refresh(path)
    first = path.read_bytes()
    refresh(path)
    assert path.read_bytes() == first
    assert rules.broken(rules.read(path), [rules.counts_are_in_order, rules.metadata_is_clean]) == []
    assert rules.read(path).notebook.cells[0].metadata == {"tags": ["kept"]}
