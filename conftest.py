"""What every test run needs: notebooks without nbval's false greens, the same hypothesis examples.

nbval 0.11 compares outputs strictly, but by itself it
- passes a cell that was committed without having been run, whatever the cell prints;
- passes an unknown magic: IPython reports it in the reply, and nbval reads only the outputs;
- waits for the whole cell time-out when the kernel has died, instead of looking;
- runs cells without history, so that a trailing `;`, which silences a value in JupyterLab, does not.
tests/test_nbval_bites.py sees to it that all four stay closed.
"""

import os
import tempfile
import time
from queue import Empty

import nbval.plugin
import pytest
from hypothesis import settings
from nbval.kernel import RunningKernel

settings.register_profile("rehearsal", deadline=None, derandomize=True)
settings.load_profile("rehearsal")


def pytest_configure(config):
    """Keep the user's own IPython start-up files and history out of the notebooks' kernels."""
    folder = tempfile.TemporaryDirectory(prefix="ipython-")
    config.add_cleanup(folder.cleanup)
    os.environ["IPYTHONDIR"] = folder.name


class WatchedKernel(RunningKernel):
    """A kernel that notices its own death, keeps the last reply, and runs cells as JupyterLab does."""

    reply: dict

    def execute_cell_input(self, cell_input, allow_stdin=None):
        """Run a cell with history and return the id of the request."""
        return self.kc.execute(cell_input, store_history=True, allow_stdin=allow_stdin, stop_on_error=False)

    def await_reply(self, msg_id, timeout=None):
        """Wait for a reply; raise Empty after the time-out [s], RuntimeError when the kernel is dead."""
        end = float("inf") if timeout is None else time.monotonic() + timeout
        while True:
            try:
                message = self.get_message("shell", timeout=1)
            except Empty:
                if not self.is_alive():
                    raise RuntimeError("The kernel died while it ran this cell.") from None
                if time.monotonic() > end:
                    raise
                continue
            if message["parent_header"].get("msg_id") == msg_id:
                self.reply = message["content"]
                return


nbval.plugin.RunningKernel = WatchedKernel


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Fail a notebook's cell that was never run, or whose reply is an error that no output shows."""
    if not isinstance(item, nbval.plugin.IPyNbCell):
        return (yield)
    if item.cell.source.strip() and item.cell.execution_count is None:
        item.raise_cell_error("The cell was committed without having been run")
    result = yield
    shown = [output for output in item.test_outputs or [] if output.output_type == "error"]
    if item.parent.kernel.reply["status"] == "error" and not shown:
        item.raise_cell_error("The cell failed without a traceback", item.parent.kernel.reply["evalue"])
    return result
