"""A process that says a JSON line when it is ready, and answers each JSON line with one."""

import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from typing import Any

Answer = dict[str, Any]


class Conversation:
    """The process; what it writes to standard error is shown should it end."""

    def __init__(self, command: Sequence[str], **variables: str) -> None:
        self._command = command
        self._errors = tempfile.TemporaryFile(mode="w+")  # noqa: SIM115 - closed in `close`
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=os.environ | variables,
            text=True,
        )
        self.ready = self.receive()

    def send(self, asked: Any) -> None:
        """Ask; does not wait."""
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()

    def receive(self) -> Answer:
        line = self._process.stdout.readline()
        if not line:
            self._errors.seek(0)
            raise RuntimeError(f"{self._command[1]} ended: {self._errors.read()[-2000:]}")
        return json.loads(line)

    def fileno(self) -> int:
        """Where its answers come from, for `select`."""
        return self._process.stdout.fileno()

    def close(self) -> None:
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            stream.close()
        self._process.terminate()
        self._process.wait()
