"""The trial store: one file per answer, named by its question's key.

A file is written under a temporary name and renamed, so that it is whole or
absent. It carries its own digest: one that was truncated or edited is set
aside and its trial runs again. The store takes no lock; whoever writes an
answer that is already there must bring the same bits.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pipeline.content import Record, canonical_json, content_digest
from pipeline.errors import Contradiction, Refusal
from pipeline.records import Result, Trial

FORMAT = "normbench.answer/1"
log = logging.getLogger("normbench")


class Clock(Record):
    """When, where and from which code an answer was made; never part of the answer.

    `started` is in POSIX seconds; `commit` is empty outside a git checkout;
    `dirty` is a digest of the uncommitted changes, empty when there were none.
    """

    started: float
    wall_seconds: float
    commit: str
    dirty: str
    host: str


@dataclass(frozen=True)
class Store:
    """Answers by key, below one folder."""

    root: Path

    @classmethod
    def open(cls) -> Store:
        """Return the store at NORMBENCH_STORE, else at ./store; made when first written to."""
        return cls(Path(os.environ.get("NORMBENCH_STORE") or "store"))

    def _file(self, key: str, ending: str) -> Path:
        return self.root / key[:2] / f"{key}{ending}"

    def get(self, trial: Trial) -> Result | None:
        """Return the stored result, or nothing where the trial has not been answered."""
        file = self._file(trial.key, ".json")
        try:
            text = file.read_text()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Refusal(_unusable(file, error)) from error
        try:
            content = json.loads(text)
            digest = content.pop("digest")
            whole = content["key"] == trial.key and digest == content_digest(content)
            result = Result.parse(content["result"]) if whole else None
        except (ValueError, KeyError, AttributeError, TypeError, ValidationError):
            result = None
        if result is None:
            aside = file.with_suffix(".damaged")
            file.replace(aside)
            log.warning("%s was damaged; set aside as %s, the trial runs again", file, aside.name)
        return result

    def put(self, trial: Trial, result: Result, clock: Clock) -> None:
        """Write an answer durably, its clock readings beside it.

        Raises:
            Contradiction: The store holds another result for the same question.
            Refusal: The store cannot be written.
        """
        known = self.get(trial)
        if known is not None:
            if known != result:
                raise Contradiction(
                    f"trial {trial.key[:12]} gave weights {result.weights_digest[:12]}, but "
                    f"{self._file(trial.key, '.json')} holds {known.weights_digest[:12]}"
                )
            return
        content = {
            "format": FORMAT,
            "key": trial.key,
            "trial": trial.plain(),
            "result": result.plain(),
        }
        self._write(self._file(trial.key, ".clock.json"), _text(clock.plain()))
        self._write(
            self._file(trial.key, ".json"), _text({**content, "digest": content_digest(content)})
        )

    def clock(self, key: str) -> Clock | None:
        """Return the clock readings of an answer, or nothing where they are lost."""
        file = self._file(key, ".clock.json")
        try:
            return Clock.parse(json.loads(file.read_text()))
        except (FileNotFoundError, ValueError):
            return None

    def model(self, key: str) -> Path:
        """Return where the trained model of an answer lies, if it was kept."""
        return self._file(key, ".keras")

    def put_model(self, trial: Trial, save: Callable[[Path], None]) -> None:
        """Keep a trained model beside its answer; `save` writes it to the path it is given."""
        file = self.model(trial.key)
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = file.with_name(f".{os.getpid()}-{file.name}")
        try:
            save(temporary)
            temporary.replace(file)
        except OSError as error:
            raise Refusal(_unusable(file, error)) from error
        finally:
            temporary.unlink(missing_ok=True)

    def _write(self, file: Path, text: str) -> None:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(file, text)
        except OSError as error:
            raise Refusal(_unusable(file, error)) from error


def write_whole(file: Path, text: str) -> None:
    """Write a text file so that its name never stands for half of it, even after a power cut."""
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name[:20]}-")
    try:
        with os.fdopen(handle, "w") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(file)
    finally:
        Path(name).unlink(missing_ok=True)


def _text(content: dict[str, Any]) -> str:
    return canonical_json(content) + "\n"


def _unusable(file: Path, error: OSError) -> str:
    return (
        f"{file}: {error.strerror or error}; mend the folder or name another with NORMBENCH_STORE"
    )
