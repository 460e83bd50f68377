"""Markov chains whose labels are tokens: PRISM's and Storm's explicit files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from theory.examples.automata import random_automaton
from theory.quantities.answer import answer
from theory.specification.dtmc import write_drn
from theory.specification.openfst import write_openfst
from theory.specification.reader import parse_document
from theory.specification.tables import SpecificationError

TRA = "4 6\n0 1 0.5\n0 2 1/4\n0 3 0.25\n1 0 1\n2 3 1\n3 3 1\n"
LAB = '0="init" 1="deadlock" 2="a" 3="b"\n0: 0\n1: 2\n2: 3\n'
DRN = "@type: DTMC\n@model\nstate 0 init\n\taction 0\n\t\t0 : 0.5\n\t\t1 : 0.5\nstate 1 a\n\taction 0\n\t\t1 : 1\n"


def exact(folder: Path, files: dict[str, str], rest: str = "") -> dict[str, Any]:
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    model = next(name for name in files if not name.endswith(".lab"))
    labels = 'labels = "model.lab"\n' if "model.lab" in files else ""
    return answer(parse_document(f'[prior]\nkind = "dtmc"\nfile = "{model}"\n{labels}{rest}'), folder)


def test_prism_by_hand(tmp_path: Path) -> None:
    """State 0 has no token: a with 1/2 and back, b with 1/4 and the end, or the end with 1/4: strings a^n b and a^n."""
    found = exact(tmp_path, {"model.tra": TRA, "model.lab": LAB}, '[reward]\nbeta = "1"\ntoken = {a = "1/10"}\n')
    assert found["log_partition"] == pytest.approx(np.log(0.5 / (1 - 0.5 * np.exp(0.1))))
    assert "log_partition_ball" in found


@pytest.mark.parametrize("seed", range(6))
def test_round_trip(seed: int, tmp_path: Path) -> None:
    """An automaton written for Storm is the same law of strings as written for OpenFst."""
    automaton = random_automaton(np.random.default_rng([61, seed]), 4, 2)
    (tmp_path / "model.txt").write_text(write_openfst(automaton, semiring="probability"))
    known = answer(
        parse_document('[prior]\nkind = "openfst"\nfile = "model.txt"\nsemiring = "probability"\n'), tmp_path
    )
    found = exact(tmp_path, {"model.drn": write_drn(automaton)})
    for name in ("log_partition", "entropy", "varentropy", "strings"):
        assert found[name] == (known[name] if known[name] is None else pytest.approx(known[name], abs=1e-14))


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"model.tra": TRA}, "prior.labels: a .tra file needs a .lab file"),
        ({"model.drn": DRN, "model.lab": LAB}, "prior.labels: a .drn file holds its labels"),
        ({"model.tra": TRA.replace("4 6", "4 7"), "model.lab": LAB}, "announces 7 transitions, the file has 6"),
        ({"model.tra": TRA.replace("1 0 1\n", "1 0\n"), "model.lab": LAB}, 'line 5: expected "source target prob'),
        ({"model.tra": TRA.replace("1/4", "1/3"), "model.lab": LAB}, "the weights of state 0 sum to 1.08333333, not 1"),
        ({"model.tra": TRA, "model.lab": LAB.replace("0: 0\n", "")}, 'exactly one state must have the label "init"'),
        (
            {"model.tra": TRA, "model.lab": LAB.replace("2: 3", "2: 2 3")},
            "state 2 has the labels a, b; one is its token",
        ),
        ({"model.tra": TRA, "model.lab": LAB.replace("2: 3", "2: 9")}, 'line 4: expected "state: labels"'),
        ({"model.drn": DRN.replace("DTMC", "MDP")}, "line 1: only a DTMC is read, got 'MDP'"),
        ({"model.drn": DRN.replace("@model\n", "")}, "there is no line @model"),
        ({"model.drn": DRN.replace("\t\t1 : 1\n", "\t\t0 : 1\n")}, "every state is left again, so that no string ends"),
    ],
)
def test_refused(files: dict[str, str], message: str, tmp_path: Path) -> None:
    with pytest.raises(SpecificationError) as caught:
        exact(tmp_path, files)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
