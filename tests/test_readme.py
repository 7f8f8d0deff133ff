"""What the README and CONTRIBUTING promise is there: links, commands, the map of the course, the versions."""

import importlib.util
import re
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.notebook_rules import course

ROOT = Path(__file__).parent.parent
PAGES = ["README.md", "CONTRIBUTING.md"]


def page(name):
    """Return the text of a page."""
    return (ROOT / name).read_text(encoding="utf-8")


def links(text):
    """Return the targets of a text's links and pictures, in Markdown and HTML."""
    return re.findall(r"\]\(([^)\s]+)", text) + re.findall(r"(?:src|href)=\"([^\"]+)\"", text)


def anchors(text):
    """Return the anchors of a text's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name):
    inner = [link for link in links(page(name)) if not re.match(r"https?:|mailto:|#", link)]
    assert [link for link in inner if not (ROOT / link.split("#")[0]).exists()] == []
    assert {link[1:] for link in links(page(name)) if link.startswith("#")} <= anchors(page(name))


@pytest.mark.parametrize("name", PAGES)
def test_commands_exist(name):
    spec = importlib.util.spec_from_file_location("start", ROOT / "start.py")
    start = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(start)
    said = re.findall(r"python3? start\.py(?:[ ]+([a-z]+))?", page(name))
    assert said
    assert {command for command in said if command} <= {*start.COMMANDS, "help"}


@pytest.mark.parametrize("name", PAGES)
def test_files_in_commands_exist(name):
    files = re.findall(r"\b(?:notebooks|tests|lib)/[\w/.]*\w|\b\w+\.(?:txt|toml|py)\b", page(name))
    assert [file for file in files if not list(ROOT.glob(file)) and not list(ROOT.glob(f"*/{file}"))] == []


def test_the_python_of_the_readme_runs():
    blocks = re.findall(r"^```python\n(.*?)^```", page("README.md"), re.MULTILINE | re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})


def test_the_map_lists_each_notebook_once_and_in_order():
    listed = [link for link in links(page("README.md")) if re.fullmatch(r"notebooks/\d\d_\w+\.ipynb", link)]
    assert list(dict.fromkeys(listed)) == [f"notebooks/{path.name}" for path in course()]


def test_no_placeholder_is_left():
    for name in PAGES:
        assert not re.search(r"\b(TODO|TBD|FIXME|XXX)\b|lorem ipsum|coming soon|example\.(com|org)", page(name), re.I)


def pinned():
    """Return the one version of each package that the constraints have for this Python and system."""
    lines = [line.split("#")[0].strip() for line in page("constraints.txt").splitlines()]
    wanted = [Requirement(line) for line in lines if line]
    here = [each for each in wanted if each.marker is None or each.marker.evaluate()]
    names = [canonicalize_name(each.name) for each in here]
    assert len(names) == len(set(names)), "two versions of one package"
    return {name: str(each.specifier) for name, each in zip(names, here, strict=True)}


def needed(names):
    """Return the names of these packages and of all that they need here, by what is installed."""
    found, queue = set(), [Requirement(name) for name in names]
    while queue:
        each = queue.pop()
        name = canonicalize_name(each.name)
        if name not in found and (each.marker is None or each.marker.evaluate({"extra": ""})):
            found.add(name)
            queue += [Requirement(line) for line in metadata.requires(name) or [] if "extra ==" not in line]
    return found - {"rehearsal"}


def test_every_package_has_one_version():
    lines = [line.split("#")[0].strip() for line in page("requirements.txt").splitlines()]
    versions = pinned()
    assert needed(line for line in lines if line and line[0] != "-") <= set(versions)
    assert all(version.startswith("==") for version in versions.values())


def test_no_file_names_a_registry():
    for name in ("requirements.txt", "constraints.txt", "pyproject.toml"):
        assert not re.search(r"index-url|find-links|https?://|file:", page(name))
