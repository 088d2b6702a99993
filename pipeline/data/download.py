"""Files from the network, kept for next time; a half one never bears the final name."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pooch

from pipeline.data.paths import unreadable
from pipeline.errors import Refusal

TIMEOUT_SECONDS = 30  # of silence, not of the whole download
CHUNK_BYTES = 1 << 18


def downloads_folder() -> Path:
    """Return where downloads are kept: $NORMBENCH_DOWNLOADS, else the user's cache folder."""
    if chosen := os.environ.get("NORMBENCH_DOWNLOADS"):
        return Path(chosen).expanduser()
    return Path(pooch.os_cache("normbench"))


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
    pooch.get_logger().setLevel("WARNING")  # what decides is the digest of the decoded arrays
    try:
        if file.is_dir():
            raise IsADirectoryError(f"Is a directory: {file}")
        with ExitStack() as opened:
            pooch.retrieve(
                url, None, fname=file.name, path=file.parent, downloader=_downloader(opened)
            )
    except (OSError, ValueError) as error:  # what requests raises is an OSError
        raise Refusal(
            f"{url}: cannot be downloaded ({_reason(error)}); fetch it elsewhere and put it at "
            f"{file}, or use {override}"
        ) from error
    return file


def _downloader(opened: ExitStack) -> pooch.HTTPDownloader:
    """Return how pooch is to download; `opened` closes connections that it leaves when it fails."""

    def remember(response: Any, *_: object, **__: object) -> None:
        opened.callback(response.close)

    return pooch.HTTPDownloader(
        progressbar=sys.stderr.isatty(),
        chunk_size=CHUNK_BYTES,
        timeout=TIMEOUT_SECONDS,
        hooks={"response": remember},
    )


def _reason(error: BaseException) -> str:
    """Return what began an error: requests and urllib3 wrap it up to four times."""
    while error.__context__ is not None:
        error = error.__context__
    return " ".join(str(error).split()) or type(error).__name__
