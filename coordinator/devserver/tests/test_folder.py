"""The data folder: private, held once, and every refusal one sentence that says what to do."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from coordinator.devserver.folder import Folder, Refused, default_path, free_port, is_free
from coordinator.devserver.product import Product, wanted_port


def is_one_sentence(text: str) -> bool:
    return "\n" not in text and text.endswith((".", ".)"))


def test_secrets_are_made_once_and_private(tmp_path: Path) -> None:
    first = Folder(tmp_path / "data")
    known = first.secret("postgres")
    os.close(first._lock)
    assert Folder(tmp_path / "data").secret("postgres") == known
    assert stat.S_IMODE((tmp_path / "data" / "secrets.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "data" / "logs").stat().st_mode) == 0o700
    assert (tmp_path / "data").stat().st_mode & 0o066 == 0


def test_a_second_start_hears_where_the_first_runs(tmp_path: Path) -> None:
    held = Folder(tmp_path, "http://127.0.0.1:8000")
    with pytest.raises(Refused, match=r"already running on http://127.0.0.1:8000") as refusal:
        Folder(tmp_path, "http://127.0.0.1:9000")
    assert is_one_sentence(str(refusal.value))
    assert held.path == tmp_path


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Refused, match=r"Cannot write to the data folder .* DATA_DIR=") as refusal:
        Folder(tmp_path / "file" / "data")
    assert is_one_sentence(str(refusal.value))


def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(Refused, match="holds other files"):
        Folder(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_damaged_records_count_as_empty(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.write("children.json", "{half")
    assert folder.read_json("children.json") == {}


def test_logs_stay_small(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    with folder.open_log("web") as log:
        log.write(b"x" * 900 + b"\nlast\n")
        folder.rotate_logs(limit=500)
        log.write(b"after\n")
    assert (tmp_path / "logs" / "web.log").read_text() == "after\n"
    assert (tmp_path / "logs" / "web.log.1").read_bytes().endswith(b"last\n")
    assert folder.log_tail("web") == "after"


def test_the_folder_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "named"))
    assert default_path() == tmp_path / "named"
    monkeypatch.delenv("DATA_DIR")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert default_path() == tmp_path / "throughline"


def test_a_taken_port_is_named_with_the_way_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    port = free_port()
    with subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import socket; s = socket.create_server(('127.0.0.1', {port})); print(flush=True); input()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout
        other.stdout.readline()
        assert not is_free(port)
        monkeypatch.setenv("PORT", str(port))
        with pytest.raises(Refused, match=f"Port {port} is taken .* PORT={port + 1} bin/run") as refusal:
            Product()
        other.kill()
    assert is_one_sentence(str(refusal.value))


@pytest.mark.parametrize("text", ["abc", "0", "70000", "-1"])
def test_a_port_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("PORT", text)
    with pytest.raises(Refused, match="between 1 and 65535"):
        wanted_port("PORT", 8000)


def test_files_are_replaced_as_a_whole(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.write("ports.json", json.dumps({"postgres": 1}))
    assert not list(tmp_path.glob("*.new"))
    assert folder.read_json("ports.json") == {"postgres": 1}
