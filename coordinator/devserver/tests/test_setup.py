"""bin/lib/setup.py judges an environment by what is there, and says each trouble in one sentence."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def setup(tmp_path: Path) -> ModuleType:
    """The module, working in an empty checkout whose environment is this very interpreter."""
    spec = importlib.util.spec_from_file_location("setup_under_test", ROOT / "bin" / "lib" / "setup.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.VENV = tmp_path / ".venv"
    module.PYTHON = module.VENV / "bin" / "python"
    module.STATE = module.VENV / "throughline.json"
    module.INSTALLING = module.VENV / "throughline.installing"
    module.UV_HOME = tmp_path / ".uv"
    module.RUN_LOCK = tmp_path / "requirements.txt"
    module.DEV_LOCK = tmp_path / "dev.txt"
    module.RUN_LOCK.write_text("one==1\n")
    module.DEV_LOCK.write_text("one==1\ntwo==2\n")
    return module


def make_environment(setup: ModuleType, kinds: tuple[str, ...] = ("run",)) -> Path:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    packages = setup.VENV / "lib" / f"python{version}" / "site-packages"
    (packages / "one").mkdir(parents=True)
    (packages / "one" / "__init__.py").touch()
    setup.PYTHON.parent.mkdir()
    setup.PYTHON.symlink_to(sys.executable)
    state = {
        "python": version,
        "kinds": {kind: setup.fingerprint(kind) for kind in kinds},
        "entries": setup.installed_entries(version),
    }
    setup.STATE.write_text(json.dumps(state))
    return packages


def test_an_environment_is_judged_by_what_is_there(setup: ModuleType) -> None:
    assert setup.judge("run") == "missing"
    packages = make_environment(setup)
    assert setup.judge("run") == "good"
    assert setup.judge("dev") == "outdated"
    setup.RUN_LOCK.write_text("one==2\n")
    assert setup.judge("run") == "outdated"
    (packages / "one" / "__init__.py").unlink()
    assert setup.judge("run") == "broken"


def test_an_interrupted_installation_and_a_dead_interpreter_are_broken(setup: ModuleType) -> None:
    make_environment(setup)
    setup.INSTALLING.touch()
    assert setup.judge("run") == "broken"
    setup.INSTALLING.unlink()
    setup.PYTHON.unlink()
    setup.PYTHON.symlink_to("/nowhere/python3")
    assert setup.judge("run") == "broken"


def test_a_broken_environment_is_built_again_and_said_so(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    packages = make_environment(setup)
    shutil.rmtree(packages / "one")

    def make_venv(uv: object) -> None:
        shutil.rmtree(setup.VENV)
        make_environment(setup)

    monkeypatch.setattr(setup, "find_uv", lambda pip="": None)
    monkeypatch.setattr(setup, "make_venv", make_venv)
    monkeypatch.setattr(setup, "install", lambda lock, uv: None)
    setup.ensure("dev")
    assert "half-installed; building it again" in capsys.readouterr().out
    assert setup.judge("dev") == setup.judge("run") == "good"
    assert not setup.INSTALLING.exists()


def test_an_unreachable_registry_is_one_sentence(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    make_environment(setup)
    monkeypatch.setattr(setup, "quiet", lambda *command: (False, "connection refused"))
    with pytest.raises(setup.Refused, match="registry can be reached") as refusal:
        setup.install(setup.RUN_LOCK, None)
    assert "\n" not in str(refusal.value)


def test_no_browser_and_no_right_to_install_one_says_what_to_do(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setattr(setup.shutil, "which", lambda name: None)
    with pytest.raises(setup.Refused, match="--no-browser"):
        setup.ensure_browser()


def test_pip_settings_hold_for_uv(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/simple")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    env = setup.tool_env()
    assert env["UV_DEFAULT_INDEX"] == "https://mirror.example/simple"
    assert "PYTHONPATH" not in env


@pytest.mark.parametrize("command", ["run", "test", "check", "fix", "lock"])
def test_every_command_refuses_an_old_python_in_one_sentence(command: str, tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2" && exit 0\nexit 1\n')
    old.chmod(0o755)
    for tool in ("sh", "dirname"):
        (tmp_path / tool).symlink_to(shutil.which(tool) or tool)
    done = subprocess.run(
        [ROOT / "bin" / command], env={"PATH": str(tmp_path)}, capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 1
    assert done.stderr == (
        "Throughline needs Python 3.11 or newer and found Python 3.9.2: install it, or name one with"
        " PYTHON=/path/to/python3.11.\n"
    )
    assert os.listdir(tmp_path)


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("Resolved 3\nerror: Failed\n  cause: Hash mismatch for `vine`\n\n  Computed:\n    sha256:40fd\n", "cause: Hash mismatch for `vine`"),
        ("WARNING: x\nERROR: No matching distribution found for a==1.\n", "ERROR: No matching distribution found for a==1"),
        ("something odd\n", "something odd"),
        ("", "no reason given"),
    ],
)  # fmt: skip
def test_the_telling_line_of_a_tool_is_shown(setup: ModuleType, said: str, line: str) -> None:
    assert setup.reason(said) == line


def test_a_package_that_is_not_the_pinned_one_stops_everything(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        setup, "quiet", lambda *command: (False, "error: x\n  cause: Hash mismatch for `vine`\n")
    )
    with pytest.raises(setup.Refused, match="not the one that was pinned"):
        setup.install(setup.RUN_LOCK, Path("uv"))
