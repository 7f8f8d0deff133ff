"""A progress bar where somebody watches, and nothing that is stored."""

import os
import sys


def watched():
    """Return whether a person sees what is written now: in a terminal, or in a notebook opened in Jupyter.

    A Jupyter server tells its kernels which notebook they serve. Tools that execute notebooks to store or compare their
    outputs (nbconvert, nbval) do not, and a rate or a time in an output would differ each time.
    """
    return "JPY_SESSION_NAME" in os.environ or sys.stderr.isatty()


def bar(wanted, what):
    """Return a tqdm bar on stderr that leaves nothing behind, silent where it is not wanted or nobody watches."""
    from tqdm import tqdm

    quiet = not (wanted and watched())
    return tqdm(total=0, desc=what, unit="run", leave=False, disable=quiet, file=sys.stderr)
