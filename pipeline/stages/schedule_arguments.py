"""The grammar of `normbench schedule`: apart from what it does, so that help comes at once."""

from __future__ import annotations

import argparse
from typing import Any

ENGINES = ("cron", "scrontab", "sbatch", "kubernetes")
SCHEDULES = """\
Run all stages of a profile, from compose to report, again and again, with nobody there. Each run's
analysis is kept under its date, and said to differ from the last one or not. A run never
overlaps its predecessor.

Exit codes of a run: 0 done, 3 done and a claim's verdict changed, else those of the stage that
did not end well.
"""
SCHEDULED = """\
examples:
  normbench schedule "0 2 * * *" profile=quick
  normbench schedule "0 2 * * *" profile=claims cluster="slurm jobs=32" --engine scrontab
  normbench schedule @daily profile=quick --engine sbatch --directive=--time=12:00:00
  normbench schedule "0 2 * * 1" profile=quick --engine kubernetes --image IMAGE --claim CLAIM
  normbench schedule "0 2 * * *" profile=quick --on-change 'mail -s changed me < "$NORMBENCH_NEW"'
  normbench schedule list
  normbench schedule remove quick
  normbench schedule run quick            # now, as the engine does it

Given again, an entry takes the place of the one of the same name. What a run says is appended to
artifacts/schedule/NAME/log.txt. What --on-change runs finds the two analyses that differ in
NORMBENCH_OLD and NORMBENCH_NEW, and the profile in NORMBENCH_PROFILE.
"""


def add(commands: Any) -> None:
    """Add the command."""
    schedule = commands.add_parser(
        "schedule",
        help="run a profile at set times, by cron, Slurm or Kubernetes",
        description=SCHEDULES,
        epilog=SCHEDULED,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    schedule.add_argument("when", help="five fields of cron, or: list, remove, run")
    schedule.add_argument(
        "words", nargs="*", metavar="WORD", help="profile=NAME and cluster=NAME; or an entry's name"
    )
    schedule.add_argument("--engine", choices=ENGINES, help="who starts it (default: cron)")
    schedule.add_argument("--name", help="of the entry (default: the profile's)")
    schedule.add_argument(
        "--on-change", metavar="COMMAND", help="what a changed verdict runs, by the shell"
    )
    schedule.add_argument(
        "--directive",
        dest="directives",
        action="append",
        default=[],
        metavar="WORD",
        help="of Slurm, for the job of the run itself: --directive=--time=12:00:00",
    )
    schedule.add_argument("--image", help="of Kubernetes: the container that has this environment")
    schedule.add_argument("--claim", help="of Kubernetes: the volume that holds this checkout")
    schedule.add_argument("--dry-run", action="store_true", help="say what would be done")


def carry_out(stage: Any, asked: argparse.Namespace, cluster: str) -> int:
    """Call the stage with what was asked, and return the exit code.

    Raises:
        Refusal: Something cannot be done as asked.
    """
    if asked.when == "list":
        stage.show(asked.words, engine=asked.engine)
        return 0
    if asked.when == "remove":
        stage.remove(asked.words, engine=asked.engine, dry_run=asked.dry_run)
        return 0
    if asked.when == "run":
        return int(stage.run(asked.words))
    stage.install(
        asked.when,
        asked.words,
        conf=asked.conf,
        default_cluster=cluster,
        engine=asked.engine or "cron",
        name=asked.name,
        on_change=asked.on_change,
        directives=asked.directives,
        image=asked.image,
        claim=asked.claim,
        dry_run=asked.dry_run,
    )
    return 0
