"""A page to play with: one HTML file that computes everything in the reader's browser, without a network.

The page carries the prior p and the reward r of a few models; ``explore.js`` computes the rest from them in float64
with the formulas of ``theory``, so that a reader who moves a slider sees the numbers that ``probqual exact`` prints.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from flint import fmpq

from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import floats, precision, to_float
from theory.examples import finite as examples
from theory.examples.words import speeches
from theory.files import JsonObject, write_whole

WORDS = 2000
"""How many of the words are embedded, the most frequent ones."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """A model of the page.

    Args:
        key: its short name.
        title: its name in the list.
        about: one or two sentences, as HTML.
        make: the aligned model at beta = 1.
        size: N at the start.
        epsilon: the half-width of the typical band at the start, nats.
    """

    key: str
    title: str
    about: str
    make: Callable[[], Aligned]
    size: int = 1000
    epsilon: float = 0.01

    def data(self) -> JsonObject:
        """What the page embeds: p and r of each string, r at beta = 1 in nats, and the tree of prefixes.

        Strings come breadth first; ``parent`` of each prefix and ``node`` of each string are as in ``theory``.
        A table's tree is left out: each string is one token.
        """
        aligned = self.make()
        numbers = aligned.balls()
        data: JsonObject = {
            "key": self.key,
            "title": self.title,
            "about": self.about,
            "size": self.size,
            "epsilon": self.epsilon,
            "names": [*aligned.names()],
            "prior": floats(aligned.prior).tolist(),
            "reward": [to_float(r) for r in numbers.reward],
        }
        if len(aligned.tree.levels) > 3:
            data |= {"parent": aligned.tree.parent.tolist(), "node": aligned.node.tolist()}
        return data


MODELS = (
    Embedded(
        "c1",
        "C1: collinear",
        "<i>p</i> = (1, 2, 4)/7, <i>e<sup>r</sup></i> = (1, 2, 4). At <i>β</i> = 1, <i>R</i> = <i>L</i> + log 7: "
        "every law lies on one rising line, and no adaptor trades off.",
        examples.c1,
    ),
    Embedded(
        "c2",
        "C2: local against global",
        "<i>p</i> = (2, 2, 2, 2, 3)/11, <i>e<sup>r</sup></i> = (2, 2, 2, 2, 3): token a and then one of four equally "
        "probable tokens, or token b and the end. At <i>β</i> = 1 and <i>T</i> = 1/2 local temperature lowers "
        "E <i>L</i> and E <i>R</i>, global temperature raises both.",
        examples.c2,
    ),
    Embedded(
        "c3",
        "C3: comonotone",
        "<i>p</i> = (1, 2, 4)/7, <i>e<sup>r</sup></i> = (1, 2, 3). More probable strings are better: on cooling "
        "E <i>L</i> and E <i>R</i> rise together.",
        examples.c3,
    ),
    Embedded(
        "c4",
        "C4: R gains on cooling (β = 1)",
        "<i>p</i> = (8, 4, 1)/13, <i>e<sup>r</sup></i> = (1, 1, 8). At <i>β</i> = 1, <i>b</i> = 1/2: the coordinate "
        "of larger variance, here <i>R</i>, gains on cooling.",
        examples.c4,
    ),
    Embedded(
        "c5",
        "C5: L gains on cooling (β = 1)",
        "<i>p</i> = (1, 2, 8)/11, <i>e<sup>r</sup></i> = (8, 6, 3). At <i>β</i> = 1, <i>b</i> = −1.924: the "
        "coordinate of larger variance, here <i>L</i>, gains on cooling.",
        examples.c5,
    ),
    Embedded(
        "toy",
        "Toy: 1,000 strings",
        "The paper’s toy: 1,000 strings, <i>p</i><sub>+</sub> from a sparse Dirichlet law and <i>p</i> a softmax of "
        "<i>p</i><sub>+</sub><sup>1/42</sup> and noise, <i>e<sup>r</sup></i> = <i>p</i><sub>+</sub>/<i>p</i>. "
        "Its corpora have <i>N</i> = 100,000 and <i>ε</i> = 0.001.",
        examples.toy,
        size=100_000,
        epsilon=0.001,
    ),
    Embedded(
        "words",
        f"Words: {WORDS:,} words",
        f"The {WORDS:,} most frequent words of the State of the Union speeches, spelled letter by letter. <i>p</i> is "
        "a word’s relative frequency among them, <i>r</i> its valence in the VADER lexicon (0 where it has none).",
        lambda: speeches(fmpq(1), size=WORDS),
        epsilon=0.05,
    ),
)
"""The models in the order of the list."""


def page() -> str:
    """The whole page as HTML: template, style, script and models in one text. Cost: O(strings), under a second."""
    with precision():
        models = json.dumps([model.data() for model in MODELS], ensure_ascii=False, separators=(",", ":"))
    parts = {
        "style": _asset("explore.css"),
        "script": _asset("explore.js"),
        # no string may end the script element it stands in
        "models": models.replace("</", "<\\/"),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], _asset("explore.html"))


def write_page(path: Path) -> None:
    """Write the page completely or not at all.

    Raises:
        OSError: the folder does not exist or cannot be written, or the path is a folder.
    """
    write_whole(path, page())


def _asset(name: str) -> str:
    return resources.files("figures").joinpath(name).read_text(encoding="utf-8")
