"""A folder of pictures larger than memory should be is prepared within a gigabyte of it.

    python tests/proofs/folder_10gb.py [--gigabytes 10] [--pixels 256] [--size 256] [--suffix bmp]

Makes pictures of noise in five classes, prepares them as `image_folder` in a
process of its own, checks every digest in another, and says what both took.
Needs twice the gigabytes of free disk; whatever it makes is removed.
"""

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = ("ape", "bee", "cow", "dog", "elk")
LIMIT_MB = 1000
PREPARE = """
import sys
from pathlib import Path
from pipeline.data.prepared import prepare
from pipeline.records import Component
from pipeline.studies import Dataset
pictures, arrays, count, size = Path(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:])
arguments = {"path": str(pictures), "size": (size, size), "color": "rgb"}
arguments |= {"ground": "white", "license": "CC0"}
source = Component(target="pipeline.data.image_folder.load", arguments=arguments)
tenth = count // 10
sizes = {"train": count - 2 * tenth, "validation": tenth, "test": tenth}
dataset = Dataset(task="classification", source=source, seed=0, **sizes)
print(prepare(dataset, "pictures", arrays).digest)
"""
VERIFY = """
import sys
from pathlib import Path
from pipeline.data.arrays import verify
print(verify(Path(sys.argv[1])).digest)
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gigabytes", type=float, default=10)
    parser.add_argument("--pixels", type=int, default=256, help="sides of a picture on disk")
    parser.add_argument("--size", type=int, default=256, help="sides of a prepared image")
    parser.add_argument("--suffix", default="bmp", help="bmp, png, jpg, ...")
    parser.add_argument("--folder", type=Path, help="where there is room (default: TMPDIR)")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        pictures, arrays = Path(folder, "pictures"), Path(folder, "arrays", "pictures")
        begun = time.monotonic()
        count, byte_count = make(pictures, asked.gigabytes * 1e9, asked.pixels, asked.suffix)
        needed = count * asked.size**2 * 3
        print(f"made      {count} pictures, {byte_count / 1e9:.2f} GB, {seconds(begun)}")
        if shutil.disk_usage(folder).free < needed:
            print(f"too little disk is left for {needed / 1e9:.2f} GB of arrays")
            return 2
        prepared, peak_mb = run("prepare", PREPARE, pictures, arrays, count, asked.size)
        on_disk = sum(file.stat().st_size for file in arrays.iterdir())
        print(f"          {on_disk / 1e9:.2f} GB of arrays, digest {prepared[:12]}")
        verified, verify_mb = run("verify", VERIFY, arrays)
    whole = prepared == verified and max(peak_mb, verify_mb) < LIMIT_MB
    print(f"within {LIMIT_MB} MB and the same digest: {whole}")
    return 0 if whole else 1


def make(folder: Path, byte_count: float, pixels: int, suffix: str) -> tuple[int, int]:
    """Return how many pictures were made, and their size together in bytes."""
    generator = np.random.default_rng(0)
    made = size = 0
    for name in CLASSES:
        (folder / name).mkdir(parents=True)
    while size < byte_count or made % (10 * len(CLASSES)):
        file = folder / CLASSES[made % len(CLASSES)] / f"{made:07d}.{suffix}"
        values = np.frombuffer(generator.bytes(pixels * pixels * 3), np.uint8)
        Image.fromarray(values.reshape(pixels, pixels, 3)).save(file)
        made, size = made + 1, size + file.stat().st_size
    return made, size


def run(what: str, code: str, *arguments: object) -> tuple[str, int]:
    """Return what a process of its own printed, and its peak memory in MB."""
    begun = time.monotonic()
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    # the largest child yet: verify needs less than prepare, so its own figure is an upper bound
    peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    print(f"{what:9} {seconds(begun)}, peak memory at most {peak_mb} MB", flush=True)
    return done.stdout.strip(), peak_mb


def seconds(begun: float) -> str:
    return f"{time.monotonic() - begun:.0f} s"


if __name__ == "__main__":
    sys.exit(main())
