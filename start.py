"""Set Rehearsal up in .venv and open the course; `python3 start.py help` lists what else there is.

Standard library only, in syntax that Python 3.6 can read: too old a Python has to be able to say so.
"""

import hashlib
import importlib.util
import os
import sys
from subprocess import PIPE, STDOUT, Popen

ROOT = os.path.dirname(os.path.abspath(__file__))
COURSE = ["jupyterlab", "--ServerApp.root_dir=.", "notebooks/00_start_here.ipynb"]
CHECKS = [["ruff", "check"], ["ruff", "format", "--check"], ["mypy"], ["pytest"]]
COMMANDS = {  # name: (what it does, the modules run for it; further arguments go to the last of them)
    "lab": ("open the course in JupyterLab (the same without any command)", [COURSE]),
    "test": ("lint, types and all tests, notebooks included; for example: test -k saga", CHECKS),
    "refresh": ("run notebooks and keep their outputs: refresh notebooks/02*.ipynb", [["tests.refresh"]]),
    "picture": ("draw the picture of the README", [["rehearsal.draw.poster"]]),
    "bench": ("measure the engine against plain SimPy", [["tests.bench"]]),
    "setup": ("make the environment or bring it up to date, and no more", []),
}


def complaint(version, modules):
    """Say why a Python of this version, with these modules or None for them, will not do."""
    if tuple(version[:2]) < (3, 11):
        words = "Python 3.11 or newer is needed; this is {}.{}. Try another, such as: python3.12 start.py"
        return words.format(*version[:2])
    if None in modules:
        words = "This Python cannot make environments. On Debian, Ubuntu: sudo apt install python{}.{}-venv"
        return words.format(*version[:2])
    return None


def advice(output):
    """Say what to look at when a set-up ended with this output."""
    if any(sign in output for sign in ("Retrying", "onnection", "resolution", "SSLError", "from versions: none")):
        return "The package index was not reached. Check network, proxy (HTTPS_PROXY) and pip's settings."
    if "No space left" in output:
        return "The disk is full; the environment takes about 800 MB."
    return "The lines above say why. The next start begins afresh."


def python(windows=os.name == "nt"):
    """Return the path of the environment's Python."""
    return os.path.join(ROOT, ".venv", *(["Scripts", "python.exe"] if windows else ["bin", "python"]))


def wanted():
    """Return a digest of what the environment depends on: this Python, this folder, the packages."""
    digest = hashlib.sha256((sys.version + ROOT).encode("utf-8"))
    for name in ("requirements.txt", "constraints.txt", "pyproject.toml"):
        with open(os.path.join(ROOT, name), "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def watch(title, arguments):
    """Run a command, show its latest line in place, and stop with its last lines if it fails."""
    print(title, flush=True)
    lines = []
    with Popen(arguments, cwd=ROOT, stdout=PIPE, stderr=STDOUT, errors="replace") as process:
        try:
            for line in process.stdout or []:
                lines.append(line)
                if sys.stdout.isatty():
                    print("  " + line.rstrip()[:70].ljust(70), end="\r", flush=True)
        except KeyboardInterrupt:
            process.kill()
            raise
    if process.returncode:
        sys.exit("".join(lines[-12:]) + "\n" + advice("".join(lines)))


def set_up():
    """Make the environment afresh unless the one that is there was finished and is the one wanted."""
    stamp = os.path.join(ROOT, ".venv", "rehearsal.stamp")
    if os.path.exists(stamp) and os.path.exists(python()):
        with open(stamp) as file:
            if file.read() == wanted():
                return
        os.remove(stamp)  # it comes back last: a set-up cut short is not believed
    maker = getattr(sys, "_base_executable", sys.executable)  # not the Python of the folder to be cleared
    watch("Making .venv ...", [maker, "-m", "venv", "--clear", ".venv"])
    pip = [python(), "-m", "pip", "install", "--disable-pip-version-check", "-r", "requirements.txt"]
    watch("Installing packages, a minute or two ...", pip)
    with open(stamp, "w") as file:
        file.write(wanted())
    print("Ready.".ljust(72))


def run(arguments):
    """Run a module with the environment's Python and return its exit code; Ctrl-C is the module's affair."""
    print("\n$ python -m " + " ".join(arguments), flush=True)
    process = Popen([python(), "-m", *arguments], cwd=ROOT)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            pass


def main(arguments):
    """Do what the command line asks for and return the exit code."""
    name, rest = (arguments or ["lab"])[0], arguments[1:]
    if name not in COMMANDS:
        print("python3 start.py [command] [arguments]\n")
        print("\n".join("  {:8}  {}".format(each, COMMANDS[each][0]) for each in COMMANDS))
        return 0 if name in ("help", "-h", "--help") else 2
    problem = complaint(sys.version_info, [importlib.util.find_spec(each) for each in ("venv", "ensurepip")])
    if problem:
        sys.exit(problem)
    set_up()
    steps = [step + rest * (step is COMMANDS[name][1][-1]) for step in COMMANDS[name][1]]
    codes = [run(step) for step in steps]
    return next((code for code in codes if code), 0)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("\nInterrupted. The next start takes it up from here.")
