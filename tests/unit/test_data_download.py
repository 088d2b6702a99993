"""A download is whole under its final name, or isn't there; the server is the test's own."""

from __future__ import annotations

import errno
import gc
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from pipeline.data.download import downloads_folder, fetch
from pipeline.errors import Refusal

CONTENT = bytes(range(256)) * 4


class Handler(BaseHTTPRequestHandler):
    """/whole sends everything, /short breaks off early, /silent says nothing; else 404."""

    def do_GET(self) -> None:
        if self.path == "/silent":
            return
        if self.path not in ("/whole", "/short"):
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT if self.path == "/whole" else CONTENT[:100])

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")


def test_a_file_is_fetched_once_and_kept(server: str, tmp_path: Path) -> None:
    file = tmp_path / "new" / "file.npz"
    assert fetch(f"{server}/whole", file, "path=FILE").read_bytes() == CONTENT
    assert [each.name for each in file.parent.iterdir()] == ["file.npz"]
    assert fetch(f"{server}/absent", file, "path=FILE") == file


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("/short", "IncompleteRead(100 bytes read, 924 more expected)"),
        ("/absent", "404 Client Error: Not Found for url: {server}/absent"),
        ("/silent", "Remote end closed connection without response"),
    ],
)
def test_a_failed_download_leaves_nothing_and_says_what_to_do(
    server: str, tmp_path: Path, address: str, reason: str
) -> None:
    file = tmp_path / "file.npz"
    with pytest.raises(Refusal) as refusal:
        fetch(server + address, file, "path=FILE")
    assert str(refusal.value) == (
        f"{server}{address}: cannot be downloaded ({reason.format(server=server)}); fetch it "
        f"elsewhere and put it at {file}, or use path=FILE"
    )
    assert list(tmp_path.iterdir()) == []
    responses = [each for each in gc.get_objects() if type(each) is requests.Response]
    assert len(responses) >= (address == "/absent")
    assert all(each.raw.closed for each in responses)


def test_no_network_says_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "file.npz"
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as gone:
        url = f"http://127.0.0.1:{gone.server_port}/whole"
    with pytest.raises(Refusal, match=r"cannot be downloaded \(.*refused.*put it at .*file.npz"):
        fetch(url, file, "path=FILE")


def test_a_download_says_how_far_it_is_on_a_terminal_alone(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fetch(f"{server}/whole", tmp_path / "silent.npz", "path=FILE")
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    fetch(f"{server}/whole", tmp_path / "shown.npz", "path=FILE")
    out, err = capsys.readouterr()
    assert out == ""
    assert "100%" in err
    assert "1.02k/1.02k" in err


def test_an_interrupted_download_leaves_nothing(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        assert len(list(tmp_path.iterdir())) == 1  # the temporary file
        raise KeyboardInterrupt

    monkeypatch.setattr("requests.Response.iter_content", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fetch(f"{server}/whole", tmp_path / "file.npz", "path=FILE")
    assert list(tmp_path.iterdir()) == []


def test_a_cache_folder_that_cannot_be_made_is_refused(server: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Refusal, match=r"cannot be downloaded \(.*(Not a directory|File exists)"):
        fetch(f"{server}/whole", tmp_path / "file" / "file.npz", "path=FILE")


def test_a_half_file_of_a_killed_download_is_never_taken_for_the_file(
    server: str, tmp_path: Path
) -> None:
    left = tmp_path / ".file.npz.0123abcd.part"  # as named by another process that was killed
    left.write_bytes(CONTENT[:100])
    assert fetch(f"{server}/whole", tmp_path / "file.npz", "path=FILE").read_bytes() == CONTENT


def test_a_download_that_broke_off_starts_again_and_is_whole(server: str, tmp_path: Path) -> None:
    file = tmp_path / "file.npz"
    with pytest.raises(Refusal, match="100 bytes read, 924 more expected"):
        fetch(f"{server}/short", file, "path=FILE")
    assert fetch(f"{server}/whole", file, "path=FILE").read_bytes() == CONTENT


def test_a_folder_in_the_place_of_the_file_is_refused(server: str, tmp_path: Path) -> None:
    (tmp_path / "file.npz").mkdir()
    with pytest.raises(Refusal, match=r"cannot be downloaded \(.*Is a directory"):
        fetch(f"{server}/whole", tmp_path / "file.npz", "path=FILE")
    assert [each.name for each in tmp_path.iterdir()] == ["file.npz"]


def test_a_full_disk_leaves_nothing_of_a_download(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("requests.Response.iter_content", full)
    with pytest.raises(Refusal, match=r"cannot be downloaded \(.*No space left on device\); fetch"):
        fetch(f"{server}/whole", tmp_path / "file.npz", "path=FILE")
    assert list(tmp_path.iterdir()) == []


def test_only_http_addresses_are_opened(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(CONTENT)
    with pytest.raises(Refusal, match=r"is not an http\(s\) address; for a file, use path=FILE"):
        fetch((tmp_path / "source").as_uri(), tmp_path / "file.npz", "path=FILE")


def test_the_cache_folder_is_the_users_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.delenv("NORMBENCH_DOWNLOADS", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert downloads_folder() == Path("/home/somebody/.cache/normbench")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative/is/ignored")
    assert downloads_folder() == Path("/home/somebody/.cache/normbench")
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert downloads_folder() == Path("/cache/normbench")
    monkeypatch.setenv("NORMBENCH_DOWNLOADS", "~/mine")
    assert downloads_folder() == Path("/home/somebody/mine")
