"""A real JupyterLab in a real browser: start the server, open a notebook, run all of it, bring back the result.

The trap: when JupyterLab asks which kernel to use, nothing runs and the stored outputs look fine. So the
notebook is a copy without outputs, and what counts is the page's own model after the kernel has answered.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager

import nbformat
from playwright.sync_api import sync_playwright

BROWSERS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--no-proxy-server",
    "--disable-sync",
]
FLAGS += ["--disable-background-networking", "--disable-component-update"]
PATIENCE = 180  # [s] for the whole of a notebook; a slow machine needs half a minute

SETTINGS = {
    "notebook-extension/tracker": {"windowingMode": "none"},  # every cell is in the page, also below the fold
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}

RUN_ALL = """async patience => {
    const run = async () => {
        const panel = jupyterapp.shell.currentWidget;
        await Promise.all([jupyterapp.restored, panel.revealed, panel.context.ready]);
        await panel.sessionContext.ready;
        await panel.sessionContext.session.kernel.info;
        await jupyterapp.commands.execute('notebook:run-all-cells');
        const pictures = [...document.querySelectorAll('.jp-OutputArea img')];
        await Promise.allSettled(pictures.map(picture => picture.decode()));
        return [panel.content.model.toJSON(), pictures.filter(picture => picture.naturalWidth > 0).length];
    };
    const asked = () => document.querySelector('.jp-Dialog')?.innerText ?? 'nothing';
    const failed = () => new Error('not done in time; JupyterLab asks: ' + asked());
    return await Promise.race([run(), new Promise((_, fail) => setTimeout(() => fail(failed()), patience))]);
}"""


def browser():
    """Return the path of a Chromium or Chrome, or None."""
    return next((path for path in map(shutil.which, BROWSERS) if path), None)


def stripped_copy(path, folder):
    """Write a copy of a notebook without outputs and counts to a folder and return its path."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    nbformat.write(notebook, folder / path.name)
    return folder / path.name


def environment(folder):
    """Return the environment of a JupyterLab that knows nothing of the user's, with its settings in files."""
    for name, setting in SETTINGS.items():
        file = folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(setting))
    own = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "IPYTHON"))}
    places = ["JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"]
    own |= {name: str(folder / name.lower()) for name in [*places, "JUPYTERLAB_WORKSPACES_DIR"]}
    return own | {"JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"), "JUPYTER_PREFER_ENV_PATH": "1"}


def wait_for(url, process, log):
    """Wait until the server answers; show its log if it does not."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        try:
            return direct.open(url, timeout=5).close()
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()}")


@contextmanager
def jupyterlab(root, folder):
    """Serve `root` on loopback, with the server's own files in `folder`, and yield (address, token)."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token, log = "rehearsal", folder / "server.log"
    options = {"ServerApp.ip": "127.0.0.1", "ServerApp.port": port, "ServerApp.port_retries": 0}
    options |= {
        "IdentityProvider.token": token,
        "ServerApp.root_dir": root,
        "LabApp.expose_app_in_browser": True,
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += [f"--{name}={value}" for name, value in options.items()]
    with open(log, "w") as file:
        process = subprocess.Popen(command, env=environment(folder), cwd=root, stdout=file, stderr=file)
    try:
        wait_for(f"http://127.0.0.1:{port}/api/status?token={token}", process, log)
        yield f"http://127.0.0.1:{port}", token
    finally:
        process.terminate()
        process.wait(timeout=30)


def run_all(path, folder):
    """Run a copy of a notebook in JupyterLab; return what became of it, and how many pictures can be seen."""
    (folder / "served").mkdir()
    copy = stripped_copy(path, folder / "served")
    with jupyterlab(copy.parent, folder) as (address, token), sync_playwright() as playwright:
        options = {"executable_path": browser(), "headless": True, "args": FLAGS}
        context = playwright.chromium.launch_persistent_context(folder / "profile", **options)
        page = context.pages[0]
        page.goto(f"{address}/lab/tree/{copy.name}?token={token}")
        page.wait_for_function("window.jupyterapp?.shell?.currentWidget?.sessionContext", timeout=PATIENCE * 1000)
        content, pictures = page.evaluate(RUN_ALL, PATIENCE * 1000)
        context.close()
    return nbformat.from_dict(content), pictures
