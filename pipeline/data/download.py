"""Files from the network, kept for next time; a half one never bears the final name."""

from __future__ import annotations

import http.client
import os
import secrets
import urllib.error
import urllib.request
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from pipeline.data.paths import unreadable
from pipeline.errors import Refusal

TIMEOUT_SECONDS = 30  # of silence, not of the whole download
CHUNK_BYTES = 1 << 18


def downloads_folder() -> Path:
    """Return where downloads are kept: $NORMBENCH_DOWNLOADS, else the user's cache folder."""
    if chosen := os.environ.get("NORMBENCH_DOWNLOADS"):
        return Path(chosen).expanduser()
    cache = Path(os.environ.get("XDG_CACHE_HOME", ""))  # relative ones are to be ignored
    return (cache if cache.is_absolute() else Path.home() / ".cache") / "normbench"


def fetch(url: str, file: Path, override: str) -> Path:
    """Return `file`, downloaded from `url` unless it is there already.

    Args:
        url: Of the http or https scheme.
        file: Where it is kept. Written to a temporary name beside it, and renamed when whole.
        override: How the user names a file of their own, for the message.

    Raises:
        Refusal: It cannot be downloaded; the line says what to fetch, and where to put it.
    """
    try:
        if file.is_file():
            return file
    except OSError as error:
        raise unreadable(file, error) from None
    if not str(url).startswith(("https://", "http://")):
        raise Refusal(f"{url}: is not an http(s) address; for a file, use {override}")
    part = file.with_name(f".{file.name}.{secrets.token_hex(4)}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            _download(url, part)
            part.replace(file)
        finally:
            part.unlink(missing_ok=True)
    except (OSError, ValueError, http.client.HTTPException) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        reason = str(error).strip("<>") or type(error).__name__
        raise Refusal(
            f"{url}: cannot be downloaded ({reason}); fetch it elsewhere and put it at {file}, "
            f"or use {override}"
        ) from error
    return file


def _download(url: str, part: Path) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with (
        urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as response,  # noqa: S310 - fetch checks
        part.open("xb") as output,
        Progress(*columns, TransferSpeedColumn(), console=Console(stderr=True)) as progress,
    ):
        announced = response.headers.get("Content-Length")
        expected = int(announced) if announced else None
        bar = progress.add_task(url.rpartition("/")[2], total=expected)
        received = 0
        while chunk := response.read(CHUNK_BYTES):
            output.write(chunk)
            received += len(chunk)
            progress.update(bar, completed=received)
    if expected is not None and received != expected:
        raise ConnectionError(f"it ended after {received} of {expected} bytes")
