"""Chromium without a window, spoken to over a pipe: what a page does where scripts run.

    python tests/proofs/browser.py reports/quick/report.html

opens a page at 1280 and 390 pixels, light and dark, without a network, and says what is wrong
with it. NORMBENCH_CHROMIUM names the browser if it is not on the PATH; NORMBENCH_AXE names
axe-core's axe.min.js, which then looks for what a reader with a disability would meet.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

WINDOWS = [(width, scheme) for scheme in ("light", "dark") for width in (1280, 390)]
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe"),
    *("--no-first-run", "--disable-background-networking", "--disable-component-update"),
    *("--hide-scrollbars",),
)
NAMES = ("chromium", "chromium-browser", "google-chrome")

# The browser looks for its pipes at 3 and 4, whatever numbers they have here.
HANDOVER = """import fcntl, os, sys
ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3]]
for place, end in enumerate(ends, start=3):
    os.dup2(end, place)
os.execv(sys.argv[3], sys.argv[3:])
"""
SCROLL = """(async () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
  for (let y = 0; y < document.documentElement.scrollHeight; y += 500) {
    scrollTo(0, y);
    await new Promise(done => setTimeout(done, 30));
  }
  const still = () => document.querySelectorAll("figure:has(.still):not(.is-live)").length;
  for (let tries = 0; still() && tries < 100; tries++)
    await new Promise(done => setTimeout(done, 50));
  return still();
})()"""
AXE = """axe.run(document, {resultTypes: ["violations"]}).then(found => found.violations
  .filter(each => ["serious", "critical"].includes(each.impact))
  .map(each => `${each.id}: ${each.nodes.slice(0, 3).map(node => node.target.join(" "))}`))"""


class Page:
    """One page of a browser; `complaints` are errors it told and whatever it asked others for."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser, self._session = browser, session
        self.complaints: list[str] = []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        offline = {"latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
        self.call("Network.emulateNetworkConditions", offline=True, **offline)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Ask for something, and note what happens meanwhile."""
        number = self._browser.send(method, params, self._session)
        while (message := self._browser.receive()).get("id") != number:
            self._note(message)
        if "error" in message:
            raise RuntimeError(f"{method}: {message['error']['message']}")
        found: dict[str, Any] = message["result"]
        return found

    def open(self, file: Path, *, width: int, scheme: str, anchor: str = "") -> None:
        """Load a file into a window."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", media="", features=features)
        self.call("Page.navigate", url=f"{file.resolve().as_uri()}{anchor}")
        while self.value("document.readyState") != "complete":
            time.sleep(0.05)

    def value(self, expression: str) -> Any:
        """Return what an expression is, or what its promise gives."""
        found = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in found:
            raise RuntimeError(f"{expression[:60]}: {found['exceptionDetails']}")
        return found["result"].get("value")

    def _note(self, message: dict[str, Any]) -> None:
        params = message.get("params", {})
        match message.get("method"):
            case "Runtime.exceptionThrown":
                self.complaints.append(str(params["exceptionDetails"]))
            case "Runtime.consoleAPICalled" if params["type"] == "error":
                self.complaints.append(str(params["args"]))
            case "Log.entryAdded" if params["entry"]["level"] == "error":
                self.complaints.append(params["entry"]["text"])
            case "Page.javascriptDialogOpening":
                self.complaints.append(f"a dialog: {params['message']}")
            case "Network.requestWillBeSent":
                url = params["request"]["url"]
                if not url.startswith(("file:", "data:")):
                    self.complaints.append(f"asked for {url}")


class Browser:
    """A browser's two pipes: messages are JSON, each ended by a zero byte."""

    def __init__(self, into: int, out: int) -> None:
        self._into, self._out, self._rest, self._sent = into, out, b"", 0

    def send(self, method: str, params: dict[str, Any], session: str | None = None) -> int:
        self._sent += 1
        message = {"id": self._sent, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        os.write(self._into, json.dumps(message).encode() + b"\0")
        return self._sent

    def receive(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            if not (more := os.read(self._out, 1 << 20)):
                raise RuntimeError("the browser is gone")
            self._rest += more
        message, _, self._rest = self._rest.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found

    def _answer(self, method: str, **params: Any) -> dict[str, Any]:
        number = self.send(method, params)
        while (message := self.receive()).get("id") != number:
            pass
        found: dict[str, Any] = message["result"]
        return found

    def page(self) -> Page:
        target = self._answer("Target.createTarget", url="about:blank")["targetId"]
        attached = self._answer("Target.attachToTarget", targetId=target, flatten=True)
        return Page(self, attached["sessionId"])


def chromium() -> str:
    """Return the browser's path.

    Raises:
        FileNotFoundError: There is none.
    """
    names = [os.environ.get("NORMBENCH_CHROMIUM", ""), *NAMES]
    found = next((path for name in names if name and (path := shutil.which(name))), None)
    if found is None:
        raise FileNotFoundError(
            "no chromium on the PATH: install it, or name it in NORMBENCH_CHROMIUM"
        )
    return found


@contextmanager
def browser() -> Iterator[Browser]:
    """Run a browser with a profile that is thrown away."""
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        ends = (theirs_in, theirs_out)
        command = [chromium(), *FLAGS, f"--user-data-dir={folder}"]
        process = subprocess.Popen(
            [sys.executable, "-c", HANDOVER, *map(str, ends), *command],
            pass_fds=ends,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for end in ends:
            os.close(end)
        try:
            yield Browser(ours_out, ours_in)
        finally:
            process.terminate()
            process.wait(timeout=30)
            for end in (ours_in, ours_out):
                os.close(end)


def complaints(file: Path, page: Page, *, width: int, scheme: str) -> list[str]:
    """Open a page in one window, go through all of it, and say what is wrong."""
    page.complaints.clear()
    page.open(file, width=width, scheme=scheme)
    found = []
    if still := page.value(SCROLL):
        found.append(f"{still} drawings were not drawn again")
    across = page.value("document.documentElement.scrollWidth")
    if across > width:
        found.append(f"{across} pixels wide")
    if axe := os.environ.get("NORMBENCH_AXE"):
        page.value(f"{Path(axe).read_text()};0")
        found += page.value(AXE)
    return [f"{width} {scheme}: {line}" for line in (*found, *page.complaints)]


def main(file: Path) -> int:
    """Print what is wrong with a page, and return how much."""
    with browser() as running:
        page = running.page()
        found = [
            line
            for width, scheme in WINDOWS
            for line in complaints(file, page, width=width, scheme=scheme)
        ]
    print("\n".join(found) or f"{file}: nothing to complain about in {len(WINDOWS)} windows")
    return len(found)


if __name__ == "__main__":
    sys.exit(bool(main(Path(sys.argv[1]))))
