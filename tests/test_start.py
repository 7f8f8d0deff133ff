"""start.py: what it refuses, when it sets up again, what it runs, and what it says when that fails."""

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture
def start(tmp_path):
    """Return start.py as a module of a folder of its own, with the files that it looks at."""
    for name in ("start.py", "requirements.txt", "constraints.txt", "pyproject.toml"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    spec = importlib.util.spec_from_file_location("start", tmp_path / "start.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def ready(start, monkeypatch):
    """Return start.py with a set-up that only notes its commands and leaves what they would leave."""
    start.noted = []

    def watch(title, arguments):
        start.noted.append(arguments)
        Path(start.python()).parent.mkdir(parents=True, exist_ok=True)
        Path(start.python()).touch()

    monkeypatch.setattr(start, "watch", watch)
    monkeypatch.setattr(start, "run", lambda arguments: start.noted.append(arguments) or 0)
    return start


def test_an_old_python_can_read_it():
    ast.parse((ROOT / "start.py").read_text(encoding="utf-8"), feature_version=(3, 6))


@pytest.mark.parametrize("version", [(3, 6, 15), (3, 9, 18), (3, 10, 13)])
def test_an_old_python_is_told_what_is_needed(start, version):
    assert f"3.11 or newer is needed; this is {version[0]}.{version[1]}" in start.complaint(version, [1, 1])


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 13, 7), (4, 0, 0)])
def test_a_python_with_its_modules_will_do(start, version):
    assert start.complaint(version, [1, 1]) is None


def test_a_python_without_venv_is_told_the_package(start):
    assert "apt install python3.12-venv" in start.complaint((3, 12, 1), [1, None])


@pytest.mark.parametrize(
    ("output", "word"),
    [
        ("WARNING: Retrying (Retry(total=4)) after connection broken by 'NewConnectionError", "network"),
        ("Temporary failure in name resolution", "network"),
        ("OSError: [Errno 28] No space left on device", "disk"),
        ("ERROR: Cannot install numpy==1 and numpy==2", "lines above"),
    ],
)
def test_a_failure_says_what_to_look_at(start, output, word):
    assert word in start.advice(output)


def test_the_environments_python_has_its_place_on_each_system(start):
    assert Path(start.python(windows=True)).parts[-3:] == (".venv", "Scripts", "python.exe")
    assert Path(start.python(windows=False)).parts[-3:] == (".venv", "bin", "python")


def test_the_first_start_sets_up_and_the_second_does_not(ready):
    assert ready.main(["setup"]) == 0
    assert [command[1:3] for command in ready.noted] == [["-m", "venv"], ["-m", "pip"]]
    ready.noted.clear()
    assert ready.main(["setup"]) == 0
    assert ready.noted == []


@pytest.mark.parametrize("name", ["requirements.txt", "constraints.txt", "pyproject.toml"])
def test_a_changed_file_means_a_new_environment(ready, name):
    ready.main(["setup"])
    with open(Path(ready.ROOT, name), "a") as file:
        file.write("\n# changed\n")
    ready.noted.clear()
    ready.main(["setup"])
    assert len(ready.noted) == 2


@pytest.mark.parametrize(("module", "name"), [("sys", "version"), (None, "ROOT")])
def test_another_python_or_another_folder_means_a_new_environment(ready, monkeypatch, module, name):
    here = ready.wanted()
    monkeypatch.chdir(ready.ROOT)
    monkeypatch.setattr(sys if module else ready, name, "" if name == "ROOT" else "3.99.0")
    assert ready.wanted() != here


def test_a_setup_cut_short_is_not_believed(ready, monkeypatch):
    ready.main(["setup"])
    monkeypatch.setattr(ready, "wanted", lambda: "something else")
    monkeypatch.setattr(ready, "watch", lambda title, arguments: sys.exit("cut short"))
    with pytest.raises(SystemExit):
        ready.main(["setup"])
    assert not Path(ready.ROOT, ".venv", "rehearsal.stamp").exists()


def test_a_failed_command_stops_with_its_last_lines(start, capsys):
    with pytest.raises(SystemExit) as stopped:
        start.watch("Trying", [sys.executable, "-c", "print('Retrying'); print('the reason'); exit(3)"])
    assert "the reason" in stopped.value.code
    assert "network" in stopped.value.code
    assert "Trying" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["lab"]])
def test_it_opens_the_course(ready, arguments):
    ready.main(["setup"])
    ready.noted.clear()
    ready.main(arguments)
    assert ready.noted == [["jupyterlab", "--ServerApp.root_dir=.", "notebooks/00_start_here.ipynb"]]


def test_test_runs_every_check_and_hands_on_the_arguments(ready):
    ready.main(["setup"])
    ready.noted.clear()
    ready.main(["test", "-k", "saga"])
    assert ready.noted == [
        ["ruff", "check"],
        ["ruff", "format", "--check"],
        ["mypy"],
        ["pytest", "-k", "saga"],
    ]


def test_test_fails_when_one_check_fails_and_runs_the_others_all_the_same(ready, monkeypatch):
    monkeypatch.setattr(ready, "run", lambda arguments: ready.noted.append(arguments) or 4 * ("mypy" in arguments))
    ready.main(["setup"])
    ready.noted.clear()
    assert ready.main(["test"]) == 4
    assert len(ready.noted) == 4


def test_help_lists_every_command(start, capsys):
    assert start.main(["help"]) == 0
    listed = capsys.readouterr().out
    assert all(f"\n  {name} " in listed for name in start.COMMANDS)


def test_every_module_that_a_command_runs_is_there(start):
    modules = [module for _, steps in start.COMMANDS.values() for module, *_ in steps]
    specs = {module: importlib.util.find_spec(module) for module in modules}
    packages = [module for module, spec in specs.items() if spec and spec.submodule_search_locations]
    assert [module for module in modules if not specs[module]] == []
    assert [module for module in packages if not importlib.util.find_spec(f"{module}.__main__")] == []


def test_an_unknown_command_is_an_error(start):
    assert start.main(["tset"]) == 2


def test_it_runs_from_another_folder(tmp_path):
    done = subprocess.run([sys.executable, str(ROOT / "start.py"), "help"], cwd=tmp_path, capture_output=True)
    assert done.returncode == 0
