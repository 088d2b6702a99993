"""A batch queue that is none: jobs are processes of this machine, a file of a folder each."""

import os
import signal
from contextlib import suppress
from pathlib import Path

SUBMIT = """\
#!/bin/bash
[ -z "$(cat {folder}/refusal 2>/dev/null)" ] || {{ cat {folder}/refusal >&2; exit 1; }}
number=$(( $(cat {folder}/last) + 1 )); echo $number > {folder}/last
cp "$1" {folder}/$number.sh
JOB_NUMBER=$number setsid bash {folder}/$number.sh > {folder}/$number.out 2>&1 < /dev/null &
echo $! > {folder}/$number.pid
echo "{answer}"
"""
LIST = """\
#!/bin/bash
for file in {folder}/*.pid; do
  [ -e "$file" ] && kill -0 $(cat $file) 2>/dev/null || continue
  echo "$(basename $file .pid){suffix} RUNNING"
done
exit 0
"""
CANCEL = """\
#!/bin/bash
kill -TERM -$(cat {folder}/${{1%%.*}}.pid)
"""
KINDS = {
    "slurm": ("sbatch", "squeue", "scancel", "Submitted batch job $number", ""),
    "pbs": ("qsub", "qstat", "qdel", "$number.server", ".server"),
}


class FakeQueue:
    """One queue's three commands, in a folder that belongs on the PATH."""

    def __init__(self, folder: Path, kind: str = "slurm") -> None:
        self.folder = folder
        self.programs = folder / "bin"
        self.programs.mkdir(parents=True)
        (folder / "last").write_text("10")
        *names, answer, suffix = KINDS[kind]
        for name, text in zip(names, (SUBMIT, LIST, CANCEL), strict=True):
            program = self.programs / name
            program.write_text(text.format(folder=folder, answer=answer, suffix=suffix))
            program.chmod(0o755)

    def refuse(self, reason: str) -> None:
        (self.folder / "refusal").write_text(reason)

    def scripts(self) -> list[str]:
        return [file.read_text() for file in sorted(self.folder.glob("*.sh"))]

    def running(self) -> list[int]:
        """Return the process groups of the jobs that are not over."""
        found = [int(file.read_text()) for file in self.folder.glob("*.pid")]
        return [group for group in found if _is_alive(group)]

    def end(self) -> None:
        for group in self.running():
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)


def _is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().split(") ")[1][0] != "Z"
    except FileNotFoundError:
        return False
