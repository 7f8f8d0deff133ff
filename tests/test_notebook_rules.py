"""Every notebook keeps the rules of notebook_rules.py, and every rule finds the notebook that breaks it."""

import copy

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tests import notebook_rules as rules

SENTENCE = "Order fates: 12 on time, 3 late."
FIGURE = new_output(
    "display_data",
    {"image/png": "aGVsbG8=", "text/plain": SENTENCE},
    metadata={"image/png": {"alt": SENTENCE}},
)


@pytest.mark.parametrize("path", rules.course() + rules.solutions(), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_notebook_keeps_the_rules(path):
    own = [] if path.parent.name == "solutions" else rules.COURSE_RULES
    assert rules.broken(rules.read(path), rules.RULES + own) == []


def test_every_solution_belongs_to_a_notebook():
    assert {path.name for path in rules.solutions()} <= {path.name for path in rules.course()}


def good_notebook():
    """Return a small notebook that keeps every rule."""
    cells = [
        new_markdown_cell("# Who is in charge?\n\n**What you'll do** draw. **What you'll be able to do** choose."),
        new_code_cell("my_guess = None  # one of: a, b", execution_count=1),
        new_code_cell("show(fates(storm))", execution_count=2, outputs=[copy.deepcopy(FIGURE)]),
        new_code_cell("assert late == 3", execution_count=3),
        new_markdown_cell("**When would you choose which?** It depends on 2.\n\n**Key points** Three.\n\n## Exercises"),
    ]
    return new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})


def sheet(folder, notebook):
    """Write a notebook and its solutions to a folder and return its Sheet."""
    (folder / "solutions").mkdir(exist_ok=True)
    for path in (folder / "solutions" / "01_in_charge.ipynb", folder / "01_in_charge.ipynb"):
        nbformat.write(notebook, path)
    return rules.Sheet(path, notebook)


def code(source, *outputs, tags=()):
    """Return a change that makes cell 3, the last code cell, one with this source and these outputs."""

    def change(notebook):
        notebook.cells[3] = new_code_cell(source, execution_count=3, outputs=list(outputs))
        if tags:
            notebook.cells[3].metadata["tags"] = list(tags)

    return change


def text(source):
    """Return a change that makes the last cell one with this text, beside what has to be there."""
    return lambda notebook: notebook.cells[4].update(source=notebook.cells[4].source + "\n\n" + source)


def setting(place, **values):
    """Return a change that sets parts of a cell."""
    return lambda notebook: notebook.cells[place].update(nbformat.from_dict(values))


def printing(words):
    """Return a change that makes the last code cell print these words."""
    return code("assert print(report)", new_output("stream", name="stdout", text=words))


def without(part):
    """Return a change that takes these words out of all cells."""
    return lambda notebook: [cell.update(source=cell.source.replace(part, "")) for cell in notebook.cells]


def many(count, source):
    """Return a change that adds code cells with this source."""
    added = [new_code_cell(source, execution_count=4 + place) for place in range(count)]
    return lambda notebook: notebook.cells.extend(added)


BARE_FIGURE = new_output("display_data", {"image/png": "aGVsbG8=", "text/plain": "<Figure size 640x480 with 1 Axes>"})
ERROR = new_output("error", ename="ZeroDivisionError", evalue="division by zero", traceback=[])
BREAKS = [
    (rules.code_is_short, 3, code("assert x\n" * 21)),
    (rules.code_is_short, 5, many(2, "x = 1\n" * 16)),
    (rules.prose_is_short, 4, text("word " * 201)),
    (rules.links_lead_somewhere, 4, text("Next: [The verdict](11_the_verdict.ipynb).")),
    (rules.links_lead_somewhere, 4, text('<img src="no_outage.png" alt="an outage">')),
    (rules.figures_are_few, 3, code("assert draw()", *[FIGURE] * 8)),
    (rules.file_is_small, None, text("<!-- " + "x" * 700_000 + " -->")),
    (rules.counts_are_in_order, 2, setting(2, execution_count=7)),
    (rules.counts_are_in_order, 3, setting(3, execution_count=None)),
    (rules.errors_are_meant, 3, code("assert 1 / 0", ERROR)),
    (rules.code_keeps_to_the_library, 3, code("import sys\nsys.path.insert(0, '../lib')\nassert True")),
    (rules.code_keeps_to_the_library, 3, code("assert 1\n!ls")),
    (rules.code_keeps_to_the_library, 3, code("assert 1\nfiles = !ls")),
    (rules.code_keeps_to_the_library, 3, code("%pip install rehearsal\nassert 1")),
    (rules.code_keeps_to_the_library, 3, code("from rehearsal import *\nassert 1")),
    (rules.code_keeps_to_the_library, 3, code("random.seed(7)\nassert 1")),
    (rules.code_keeps_to_the_library, 3, code("plt.subplots(figsize=(8, 4))\nassert 1")),
    (rules.code_keeps_to_the_library, 3, code("ax.plot(x, color='#0072B2')\nassert 1")),
    (rules.code_keeps_to_the_library, 3, code("try:\n    assert 1\nexcept:\n    pass")),
    (rules.code_keeps_to_the_library, 3, code("%time run(shop)\nassert 1")),
    (rules.outputs_repeat, 3, printing("<rehearsal.Run object at 0x7f3a5c0d2e10>")),
    (rules.outputs_repeat, 3, printing("100%|████| 10/10 [00:01<00:00, 9.93it/s]")),
    (rules.outputs_repeat, 3, printing("CPU times: user 3 ms")),
    (rules.outputs_repeat, 3, printing("at 2026-11-23 21:59")),
    (rules.outputs_repeat, 3, printing("/tmp/ipykernel_4711/123.py:1: UserWarning")),
    (rules.figures_speak, 3, code("assert not plt.show()", BARE_FIGURE)),
    (
        rules.figures_speak,
        3,
        code("assert 1\nax.plot(x)", new_output("execute_result", {"text/plain": "<Axes: >"})),
    ),
    (rules.metadata_is_clean, 2, setting(2, metadata={"execution": {"iopub.status.busy": "2026"}})),
    (
        rules.metadata_is_clean,
        None,
        lambda notebook: notebook.metadata.update(language_info={"version": "3.11.7"}),
    ),
    (rules.metadata_is_clean, None, lambda notebook: notebook.metadata.update(widgets={})),
    (rules.ignored_outputs_are_asserted, 3, code("show(bar)", tags=["nbval-ignore-output"])),
    (rules.nothing_is_skipped, 3, code("assert long()", tags=["nbval-skip"])),
    (rules.file_is_valid, None, setting(0, cell_type="poem")),
    (
        rules.title_asks,
        0,
        lambda notebook: notebook.cells[0].update(source="# In charge" + notebook.cells[0].source[19:]),
    ),
    (rules.template_is_kept, None, without("What you'll do")),
    (rules.template_is_kept, None, without("What you'll be able to do")),
    (rules.template_is_kept, None, without("my_guess")),
    (rules.template_is_kept, None, without("assert ")),
    (rules.template_is_kept, None, without("When would you choose which?")),
    (rules.template_is_kept, None, without("Key points")),
    (rules.template_is_kept, None, without("Exercises")),
]


def test_a_good_notebook_breaks_nothing(tmp_path):
    assert rules.broken(sheet(tmp_path, good_notebook()), rules.RULES + rules.COURSE_RULES) == []


@pytest.mark.parametrize(("rule", "place", "change"), BREAKS, ids=lambda value: getattr(value, "__name__", None))
def test_a_broken_rule_is_found_with_its_cell(tmp_path, rule, place, change):
    notebook = good_notebook()
    change(notebook)
    path = tmp_path / "01_in_charge.ipynb"
    path.write_text(nbformat.v4.writes(notebook), encoding="utf-8")
    assert place in [cell for cell, _ in rule(rules.Sheet(path, notebook))]


def test_links_to_files_sites_and_headings_are_let_pass(tmp_path):
    notebook = good_notebook()
    text("[here](solutions/01_in_charge.ipynb#hints) [there](https://jupyter.org) [above](#Exercises)")(notebook)
    assert list(rules.links_lead_somewhere(sheet(tmp_path, notebook))) == []


def test_a_missing_solution_is_found(tmp_path):
    found = sheet(tmp_path, good_notebook())
    (tmp_path / "solutions" / found.path.name).unlink()
    assert [cell for cell, _ in rules.exercises_are_solved(found)] == [None]


def test_a_report_names_file_cell_rule_and_reason(tmp_path):
    notebook = good_notebook()
    notebook.cells[2].execution_count = 7
    (line,) = rules.broken(sheet(tmp_path, notebook), rules.RULES)
    assert line.startswith("01_in_charge.ipynb, cell 2: execution count 7 where 2 belongs")
    assert line.endswith("(counts_are_in_order)")
