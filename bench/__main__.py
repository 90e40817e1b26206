"""``python -m bench``: exits 0 where netty is at least as fast as DCMTK and every image was taken."""

import argparse
import sys
from pathlib import Path

from bench.receive import compare


def main() -> int:
    """Read the options and compare."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=", description="netty beside DCMTK, receiving")
    parser.add_argument("--rounds", type=int, default=3, help="how often each receives (3)")
    parser.add_argument("--images", type=int, default=200, help="how many images of 0.5 MB each time (200)")
    parser.add_argument("--folder", type=Path, help="where the receivers write; on the disk to be measured")
    given = parser.parse_args()
    return 0 if compare(given.rounds, given.images, given.folder) else 1


if __name__ == "__main__":
    sys.exit(main())
