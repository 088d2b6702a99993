"""How a batch queue stands: what its own command lists of our jobs, in one line."""

from __future__ import annotations

import shlex
import subprocess
from collections import Counter
from collections.abc import Iterable, Sequence

ANSWER_SECONDS = 20  # a controller that is busy
SHOWN = 3  # kinds of lines


def listed(command: str | None) -> list[str] | None:
    """Return the lines that a command prints about a queue; None where it cannot say.

    Args:
        command: Such as `squeue --noheader --me --format="%i %T %r"`: a job a line, its number
            first.
    """
    if not command:
        return None
    try:
        done = subprocess.run(
            shlex.split(command),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=ANSWER_SECONDS,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return done.stdout.splitlines() if done.returncode == 0 else None


def of_jobs(lines: Iterable[str], jobs: Iterable[str]) -> dict[str, str]:
    """Return what a listing says of jobs, by number: `12 PENDING`, `12.host Q`, `12[] R` are 12."""
    known = set(jobs)
    found: dict[str, str] = {}
    for line in lines:
        number, _, rest = line.strip().partition(" ")
        name = next((name for name in (number, number.split(".")[0]) if name in known), None)
        if name is not None:
            found[name] = rest.strip()
    return found


def summed_up(states: Sequence[str]) -> str:
    """Return how many jobs stand how: `7 PENDING Resources, 1 RUNNING None`."""
    counts = Counter(" ".join(state.split()) for state in states).most_common()
    words = [f"{count} {state}" for state, count in counts[:SHOWN]]
    if more := sum(count for _, count in counts[SHOWN:]):
        words.append(f"{more} otherwise")
    return ", ".join(words)


def standing(command: str | None) -> str:
    """Return how a queue stands by a command that lists jobs, for a line; empty without one."""
    lines = listed(command)
    if lines is None:
        return f"{command.split()[0]} does not answer" if command else ""
    states = [line.strip().partition(" ")[2] for line in lines if line.strip()]
    return f"the queue: {summed_up(states) or 'no job'}"
