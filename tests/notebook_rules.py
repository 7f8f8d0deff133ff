"""The rules of the notebooks, one function a rule: it takes a Sheet and yields (cell, what is wrong).

Cells are counted from 0; None stands for the whole file. RULES hold for every notebook, COURSE_RULES for
those of the course itself, not for the worked solutions.
"""

import re
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import nbformat

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
START = "00_start_here.ipynb"
CELL_METADATA = {"tags", "slideshow", "jupyter"}


class Sheet(NamedTuple):
    """A notebook and the file that it came from."""

    path: Path
    notebook: nbformat.NotebookNode

    def cells(self, kind):
        """Yield the number and the cell of each cell of a kind that is not empty."""
        for number, cell in enumerate(self.notebook.cells):
            if cell.cell_type == kind and cell.source.strip():
                yield number, cell

    def outputs(self):
        """Yield (number, cell, output) for each output."""
        for number, cell in self.cells("code"):
            for output in cell.outputs:
                yield number, cell, output

    def text(self):
        """Return all Markdown as one text, with plain apostrophes."""
        return "\n".join(cell.source for _, cell in self.cells("markdown")).replace(
            "\N{RIGHT SINGLE QUOTATION MARK}", "'"
        )


def read(path):
    """Return the Sheet of a file."""
    return Sheet(path, nbformat.read(path, as_version=4))


def course():
    """Return the paths of the course's notebooks, in their order."""
    return sorted(NOTEBOOKS.glob("*.ipynb"))


def solutions():
    """Return the paths of the worked solutions."""
    return sorted((NOTEBOOKS / "solutions").glob("*.ipynb"))


def tags(cell):
    """Return the tags of a cell."""
    return cell.metadata.get("tags", [])


def printed(output):
    """Return what an output says in words: a stream, a plain text or a table."""
    data = output.get("data", {})
    return "\n".join([output.get("text", ""), data.get("text/plain", ""), data.get("text/html", "")])


def too_long(sizes, soft, hard, unit):
    """Yield the cells over the hard limit, and those over the soft one where they are more than a tenth."""
    above = [(number, size) for number, size in sizes if size > soft]
    many = len(above) > max(1, len(sizes) / 10)
    for number, size in above:
        if size > hard:
            yield number, f"{size} {unit}; {hard} at most"
        elif many:
            yield number, f"{size} {unit}, as one of {len(above)} over {soft}; a tenth of the cells may be"


def code_is_short(sheet):
    """A code cell has at most 15 lines, a few have 20."""
    sizes = [(n, len(cell.source.splitlines())) for n, cell in sheet.cells("code")]
    yield from too_long(sizes, 15, 20, "lines")


def prose_is_short(sheet):
    """A Markdown cell has at most 120 words, a few have 200; addresses and tags are no words."""
    no_words = re.compile(r"\]\([^)]*\)|<[^>]*>|[|#*`>-]+")
    sizes = [(n, len(no_words.sub(" ", cell.source).split())) for n, cell in sheet.cells("markdown")]
    yield from too_long(sizes, 120, 200, "words")


def links_lead_somewhere(sheet):
    """A link or a picture that names no site leads to a file in the tree."""
    for number, cell in sheet.cells("markdown"):
        found = re.findall(r"\]\(([^)\s]+)", cell.source) + re.findall(r"(?:src|href)=\"([^\"]+)\"", cell.source)
        for link in found:
            elsewhere = re.match(r"\w+:|#", link)  # a site, an attachment, a heading of this page
            if not elsewhere and not (sheet.path.parent / link.split("#")[0]).exists():
                yield number, f"a link to {link}, which is not there"


def figures_are_few(sheet):
    """At most 8 figures."""
    figures = [number for number, _, output in sheet.outputs() if "image/png" in output.get("data", {})]
    if len(figures) > 8:
        yield figures[8], f"figure 9 of {len(figures)}; 8 at most"


def file_is_small(sheet):
    """At most 700 KB."""
    size = sheet.path.stat().st_size
    if size > 700_000:
        yield None, f"{size / 1000:.0f} KB; 700 at most"


def counts_are_in_order(sheet):
    """Every code cell was run, once, from top to bottom: its count is its place."""
    for place, (number, cell) in enumerate(sheet.cells("code"), start=1):
        if cell.execution_count != place:
            yield number, f"execution count {cell.execution_count} where {place} belongs; run it all again"


def errors_are_meant(sheet):
    """An error output has the tag raises-exception."""
    for number, cell, output in sheet.outputs():
        if output.output_type == "error" and "raises-exception" not in tags(cell):
            yield number, f"an error output: {output.ename}"


FORBIDDEN = {
    r"\bsys\.path\b": "sys.path: the library is installed",
    r"^\s*!|=\s*!\w": "a shell command",
    r"^\s*%%?(pip|conda|bash|sh|system|sx|cd)\b": "a magic that leaves Python",
    r"\bimport\s+\*": "import *: name what is used",
    r"\bseed\(": "seed(: a run takes its seed as an argument",
    r"\bfigsize\b": "figsize: the style has it",
    r"""["']#(?:[0-9a-fA-F]{3}){1,2}\b""": "a hex colour: the palette has them",
    r"^\s*except\s*:": "a bare except",
    r"^\s*%%?time(it)?\b|\bperf_counter\b|\btime\.time\(|\bdatetime\.now\b": "a wall-clock time",
}


def code_keeps_to_the_library(sheet):
    """No path hacks, shell, star imports, global seeds, figure sizes, hex colours, bare excepts, clocks."""
    for number, cell in sheet.cells("code"):
        for pattern, reason in FORBIDDEN.items():
            if re.search(pattern, cell.source, re.MULTILINE):
                yield number, reason


UNREPEATABLE = {
    r"\b0x[0-9a-fA-F]{5,}\b": "a memory address",
    r"\bWall time\b|\bCPU times\b|(it/s|s/it)\b|\d\s*(µs|us|ns)\b": "a wall-clock time",
    r"\b20\d\d-\d\d-\d\d[ T]\d\d:\d\d": "a date and time",
    r"/ipykernel_\d+/|/tmp/|/home/|/Users/|[A-Z]:\\\\": "a path of somebody's machine",
}


def outputs_repeat(sheet):
    """No output that the next run, or another machine, would print otherwise."""
    for number, cell, output in sheet.outputs():
        for pattern, reason in UNREPEATABLE.items():
            if "nbval-ignore-output" not in tags(cell) and re.search(pattern, printed(output)):
                yield number, f"{reason} in the output"


def figures_speak(sheet):
    """A figure's alt text and plain text are one sentence, made of what it shows, not `<Figure size ...`."""
    for number, _, output in sheet.outputs():
        data = output.get("data", {})
        if "image/png" in data:
            plain, alt = data.get("text/plain", ""), output.metadata.get("image/png", {}).get("alt")
            if plain.startswith("<Figure") or not alt or alt != plain:
                yield number, "a figure without alt text; rehearsal.draw's show(figure) gives it"
        elif re.match(r"<Figure|<Axes|\[?<matplotlib", data.get("text/plain", "")):
            yield number, "a drawing cell that leaves its figure as a value; end it in show(figure)"


def metadata_is_clean(sheet):
    """Nothing in the metadata says when, where or on which Python the notebook was run or read."""
    notebook = sheet.notebook
    if unknown := set(notebook.metadata) - {"kernelspec", "language_info"}:
        yield None, f"metadata {sorted(unknown)}"
    if "version" in notebook.metadata.get("language_info", {}):
        yield None, "metadata language_info.version"
    for number, cell in enumerate(notebook.cells):
        if unknown := set(cell.metadata) - CELL_METADATA:
            yield number, f"metadata {sorted(unknown)}"


def ignored_outputs_are_asserted(sheet):
    """After a cell whose output nbval ignores, the next one asserts what it showed."""
    for (number, cell), (_, following) in pairwise([*sheet.cells("code"), (None, None)]):
        ignored = "nbval-ignore-output" in tags(cell) or "NBVAL_IGNORE_OUTPUT" in cell.source
        if ignored and not (following and "assert" in following.source):
            yield number, "its output is ignored, and the next cell asserts nothing"


def nothing_is_skipped(sheet):
    """Every cell is run by the tests."""
    for number, cell in sheet.cells("code"):
        if "nbval-skip" in tags(cell) or "NBVAL_SKIP" in cell.source:
            yield number, "the tests would skip it"


def file_is_valid(sheet):
    """The file is a notebook as nbformat defines it."""
    try:
        nbformat.validate(sheet.notebook)
    except nbformat.ValidationError as error:
        yield None, str(error).splitlines()[0]


def title_asks(sheet):
    """The first cell's first line is a title, and a question."""
    first = sheet.notebook.cells[0]
    line = first.source.splitlines()[0] if first.source else ""
    if first.cell_type != "markdown" or not line.startswith("# ") or not line.endswith("?"):
        yield 0, "the first line is not a title that is a question"


def template_is_kept(sheet):
    """What a reader finds in every notebook is there: aims, a prediction, key points, exercises, a choice."""
    parts = ["What you'll do", "What you'll be able to do", "Key points", "Exercises"]
    if sheet.path.name != START:
        parts.append("When would you choose which?")
    text = sheet.text()
    yield from ((None, f"no part '{part}'") for part in parts if part not in text)
    code = "\n".join(cell.source for _, cell in sheet.cells("code"))
    if not re.search(r"^my_guess\w* = None", code, re.MULTILINE):
        yield None, "no prediction: a cell with my_guess = None"
    if not re.search(r"^\s*assert ", code, re.MULTILINE):
        yield None, "no number of the text is asserted"


def exercises_are_solved(sheet):
    """Worked solutions of the same name stand in notebooks/solutions/."""
    if not (sheet.path.parent / "solutions" / sheet.path.name).exists():
        yield None, f"no solutions/{sheet.path.name}"


RULES = [
    code_is_short,
    prose_is_short,
    links_lead_somewhere,
    figures_are_few,
    file_is_small,
    counts_are_in_order,
    errors_are_meant,
    code_keeps_to_the_library,
    outputs_repeat,
    figures_speak,
    metadata_is_clean,
    ignored_outputs_are_asserted,
    nothing_is_skipped,
    file_is_valid,
]
COURSE_RULES = [title_asks, template_is_kept, exercises_are_solved]


def broken(sheet, rules):
    """Return what is wrong, as lines of file, cell, rule and reason."""
    found = ((rule, cell, reason) for rule in rules for cell, reason in rule(sheet))
    where = "{}, cell {}: {} ({})".format
    return [
        where(sheet.path.name, "-" if cell is None else cell, reason, rule.__name__) for rule, cell, reason in found
    ]
