"""``make compare-images``: the table of every image beside an independent one. Names or parts of paths choose some."""

import sys

from support.comparison import Comparison, compare_images, files


def main(chosen: list[str]) -> int:
    """Prints a row per file; 1 where a difference is not explained."""
    found = [path for path in files() if not chosen or any(part in str(path) for part in chosen)]
    rows = list(compare_images(found))
    for row in rows:
        sys.stdout.write(_line(row) + "\n")
    compared = [row for row in rows if row.largest is not None]
    differing = [row for row in rows if not row.ok]
    sys.stdout.write(
        f"compare-images: {'FAILED' if differing else 'ok'}: {len(rows)} files, {len(compared)} compared, "
        f"{len(differing)} differ without an explanation\n"
    )
    return 1 if differing else 0


def _line(row: Comparison) -> str:
    largest = "-" if row.largest is None else str(row.largest)
    mean = "-" if row.mean is None else f"{row.mean:.3f}"
    return f"{row.file:<52.52} {row.sop_class:<28.28} {row.syntax:<26.26} {largest:>4} {mean:>8}  {row.verdict}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
