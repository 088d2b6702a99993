"""The trial store: one file per answer, named by its question's key.

A file is written under a temporary name and renamed, so that it is whole or
absent. It carries its own digest: one that was truncated or edited is set
aside and its trial runs again. The store takes no lock; whoever writes an
answer that is already there must bring the same bits. Files of other names
are nobody's business here.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pipeline.content import Record, canonical_json, content_digest
from pipeline.errors import Contradiction, Refusal
from pipeline.execution.digested import (
    Damaged,
    read_digested,
    set_aside,
    unusable,
    write_digested,
    write_durably,
)
from pipeline.execution.kept import whole_weights
from pipeline.execution.keys import the_one
from pipeline.execution.whole import replacing
from pipeline.records import Result, Trial
from pipeline.training.checkpoint import Weights, packed

FORMAT = "normbench.answer/1"
KEY = re.compile(r"[0-9a-f]{64}")
FOLDER = re.compile(r"[0-9a-f]{2}")
START = '{"digest":"'  # of an answer's file
PROBE_BYTES = 2**18  # more than an answer takes, so that a full disk is noticed


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

    def _folders(self) -> list[Path]:
        if not self.root.exists():
            return []
        return sorted(each for each in self.root.iterdir() if FOLDER.fullmatch(each.name))

    def get(self, trial: Trial) -> Result | None:
        """Return the stored result, or nothing where the trial has not been answered.

        A damaged answer is set aside and counts as none.

        Raises:
            Refusal: The store cannot be read, or a damaged answer cannot be set aside.
        """
        file = self._file(trial.key, ".json")
        try:
            text = file.read_text()
            said = _result_within(text, trial)
            if said is not None:
                return Result.model_validate_json(said)
            return Result.parse(_content(file, trial.key)["result"])
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Refusal(unusable(file, error)) from error
        except (Damaged, ValueError):  # a result that is none of ours, text that is none
            set_aside(file, "the trial runs again")
            return None

    def holds(self, key: str) -> bool:
        """Whether there is a file for this key, whatever state it is in.

        Raises:
            Refusal: The store cannot be read.
        """
        file = self._file(key, ".json")
        try:
            return file.exists()
        except OSError as error:
            raise Refusal(unusable(file, error)) from error

    def read(self, key: str) -> tuple[Trial, Result]:
        """Return a question and its answer, checked against the key and the file's own digest.

        What is damaged stays as it is.

        Raises:
            Damaged: The file was cut short or edited, or another version wrote it.
            Refusal: There is no such answer, or the store cannot be read.
        """
        file = self._file(key, ".json")
        try:
            content = _content(file, key)
            return Trial.parse(content["trial"]), Result.parse(content["result"])
        except FileNotFoundError:
            raise Refusal(f"{self.root}: holds no answer {key[:12]}") from None
        except ValidationError:
            clock = self.clock(key)
            commit = clock.commit if clock else ""
            way = f"git checkout {commit} reads it" if commit else "its commit is not known"
            raise Damaged(f"{file}: was written by another version of this code; {way}") from None

    def keys(self) -> tuple[str, ...]:
        """Return the keys of all answers, sorted; what else lies in the folder is passed over.

        Raises:
            Refusal: The store cannot be listed.
        """
        try:
            folders = [folder for folder in self._folders() if folder.is_dir()]
            files = [file for folder in folders for file in folder.iterdir()]
        except OSError as error:
            raise Refusal(unusable(Path(error.filename or self.root), error)) from error
        return tuple(
            sorted(
                file.stem
                for file in files
                if file.suffix == ".json"
                and KEY.fullmatch(file.stem)
                and file.stem.startswith(file.parent.name)
            )
        )

    def find(self, start: str) -> str:
        """Return the one key that begins with these digits, at least four.

        Raises:
            Refusal: None or several do; the line lists candidates.
        """
        return the_one(start, self.keys(), self.root)

    def writable(self) -> None:
        """Refuse a store that could not take an answer; to be called before hours of work.

        Raises:
            Refusal: The folder or one inside it cannot be written, or the disk is full.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.root) as probe:
                probe.write(bytes(PROBE_BYTES))
                probe.flush()
                os.fsync(probe.fileno())
            for folder in self._folders():
                if not os.access(folder, os.W_OK | os.X_OK):
                    raise Refusal(unusable(folder, PermissionError("takes no new files")))
        except OSError as error:
            raise Refusal(unusable(self.root, error)) from error

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
        write_durably(self._file(trial.key, ".clock.json"), clock.plain())
        write_digested(self._file(trial.key, ".json"), content)

    def clock(self, key: str) -> Clock | None:
        """Return the clock readings of an answer, or nothing where they are lost.

        Raises:
            Refusal: The store cannot be read.
        """
        file = self._file(key, ".clock.json")
        try:
            return Clock.parse(json.loads(file.read_text()))
        except (FileNotFoundError, ValueError, RecursionError):
            return None
        except OSError as error:
            raise Refusal(unusable(file, error)) from error

    def model(self, key: str) -> Path:
        """Return where the trained model of an answer lies, if it was kept."""
        return self._file(key, ".keras")

    def put_model(self, trial: Trial, save: Callable[[Path], None]) -> None:
        """Keep a trained model beside its answer; `save` writes it to the path it is given.

        Raises:
            Refusal: The store cannot be written.
        """
        _put(self.model(trial.key), save)

    def put_weights(self, trial: Trial, weights: Weights) -> None:
        """Keep the weights that an answer's digest is of, so that other trials may start there.

        Raises:
            Refusal: The store cannot be written.
        """
        _put(self.weights(trial.key), lambda path: path.write_bytes(packed(weights)))

    def weights(self, key: str) -> Path:
        """Return where the weights lie that an answer ended with, if they were kept."""
        return self._file(key, ".weights")

    def keeps_model(self, key: str, result: Result) -> bool:
        """Whether an answer's model was kept, and its weights are whole.

        Raises:
            Refusal: The store cannot be read, or what is damaged cannot be set aside.
        """
        kept = whole_weights(self.weights(key), result.weights_digest)
        return self.model(key).exists() and kept is not None


def _put(file: Path, write: Callable[[Path], object]) -> None:
    """Let a file be written whole.

    Raises:
        Refusal: It cannot be.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with replacing(file) as temporary:
            write(temporary)
    except OSError as error:
        raise Refusal(unusable(file, error)) from error


def _result_within(text: str, trial: Trial) -> str | None:
    """Return the part of an answer's file that is its result, where the file is as `put` wrote it.

    Its keys are sorted and its digest stands first, so that nothing need be read to see that it
    is whole, unedited, and this question's; else nothing is returned, and `_content` says why.
    """
    digest, content = text[len(START) : len(START) + 64], "{" + text[len(START) + 66 : -1]
    head = f'{{"format":"{FORMAT}","key":"{trial.key}","result":'
    end = f',"trial":{canonical_json(trial.plain())}}}'
    is_ours = text.startswith(START) and content.startswith(head) and content.endswith(end)
    if not is_ours or hashlib.sha256(content.encode()).hexdigest() != digest:
        return None
    return content[len(head) : -len(end)]


def _content(file: Path, key: str) -> dict[str, Any]:
    """Return what an answer's file says, once it is known to be whole and unedited.

    Raises:
        Damaged: It is not.
        FileNotFoundError: There is no such file.
        Refusal: It cannot be read.
    """
    content = read_digested(file, "answer")
    if content.get("key") != key or content_digest(content.get("trial")) != key:
        raise Damaged(f"{file}: is damaged: it answers another question than its name says")
    if "result" not in content:
        raise Damaged(f"{file}: is damaged: it holds no result")
    return content
