"""Run notebooks and keep their outputs for a commit: `python3 start.py refresh notebooks/02*.ipynb`.

Without arguments, all of them. What differs from run to run, or from one Python to the next, is left
out: refreshing an unchanged notebook leaves an empty diff.
"""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from tests.notebook_rules import CELL_METADATA, NOTEBOOKS


def clean(notebook):
    """Remove what a run leaves behind that says when, and on which Python, it was."""
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"file_extension": ".py", "mimetype": "text/x-python", "name": "python"},
        }
    )
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({key: cell.metadata[key] for key in CELL_METADATA if key in cell.metadata})


def refresh(path):
    """Run a notebook in its own folder and write it back with its outputs."""
    notebook = nbformat.read(path, as_version=4)
    where = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources=where, coalesce_streams=True).execute()
    clean(notebook)
    nbformat.write(notebook, path)


def main(names):
    """Refresh the notebooks named, or all of them."""
    found = (path for path in NOTEBOOKS.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)
    paths = [Path(name).resolve() for name in names] or sorted(found)
    for path in paths:
        print(path.name, flush=True)
        refresh(path)


if __name__ == "__main__":
    main(sys.argv[1:])
