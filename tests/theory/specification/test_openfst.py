"""OpenFst's text format: round trips, epsilon arcs removed exactly, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flint import fmpq

from theory.examples.automata import random_automaton
from theory.quantities.answer import answer
from theory.specification.automaton import write_automaton
from theory.specification.openfst import openfst_specification, write_openfst
from theory.specification.reader import parse_document
from theory.specification.tables import SpecificationError


def exact(folder: Path, text: str, prior: str = 'semiring = "probability"', rest: str = "") -> dict[str, Any]:
    (folder / "model.txt").write_text(text, encoding="utf-8")
    return answer(parse_document(f'[prior]\nkind = "openfst"\nfile = "model.txt"\n{prior}\n{rest}'), folder)


@pytest.mark.parametrize("seed", range(10))
def test_round_trip(seed: int, tmp_path: Path) -> None:
    """An automaton written as OpenFst text is the same model: exactly as probabilities, to 1e-12 as logarithms."""
    automaton = random_automaton(np.random.default_rng([51, seed]), 4, 2)
    used = [automaton.alphabet[k] for k in sorted(set(automaton.token.tolist()) - {2})]
    rewards = f'[reward]\nbeta = "1"\ntoken = {{{", ".join(f"{token} = {chr(34)}1/50{chr(34)}" for token in used)}}}\n'
    known = answer(parse_document(_without_rewards(write_automaton(automaton)) + rewards))
    written = exact(tmp_path, write_openfst(automaton, semiring="probability"), rest=rewards)
    rounded = exact(tmp_path, write_openfst(automaton), 'semiring = "log"', rewards)
    for name in ("log_partition", "entropy", "varentropy", "exchange_coefficient", "spectral_radius"):
        assert written[name] == known[name]
        if known[name] is None:
            assert rounded[name] is None
        else:
            assert rounded[name] == pytest.approx(known[name], rel=1e-11, abs=1e-12)
    assert "entropy_ball" in written
    assert "entropy_ball" not in rounded


def _without_rewards(text: str) -> str:
    kept = [line for line in text.splitlines() if not line.startswith(("exp_reward", "reward", "[reward]", "beta"))]
    return "\n".join(kept) + "\n"


def test_epsilon_arcs_are_removed_exactly(tmp_path: Path) -> None:
    """1/2 a, 1/4 epsilon to a state that returns by epsilon half the time: by hand, 4/7 a, 2/7 end there and back."""
    text = "0 0 a 1/2\n0 1 <eps> 1/4\n0 1/4\n1 0 <eps> 1/2\n1 0 b 1/2\n"
    (tmp_path / "model.txt").write_text(text, encoding="utf-8")
    document = parse_document('[prior]\nkind = "openfst"\nfile = "model.txt"\nsemiring = "probability"\n')
    spec = openfst_specification(document, tmp_path)
    laws = {automaton_token(spec.automaton, k): p for k, p in enumerate(spec.automaton.prob)}
    assert laws == {"a": fmpq(4, 7), "b": fmpq(1, 7), "": fmpq(2, 7)}
    assert any("2 <eps> arcs were removed exactly" in note for note in spec.notes)


def test_an_ambiguous_machine_is_determinised(tmp_path: Path) -> None:
    """a^n has n + 1 paths to state 0 or 1: by hand p(empty) = 1/2 and p(a^n) = (3/2) 4^-n."""
    found = exact(tmp_path, "0 0 a 1/4\n0 1 a 1/4\n1 1\n0 1/2\n")
    weights = np.array([0.5] + [1.5 * 4.0**-n for n in range(1, 30)])
    assert found["entropy"] == pytest.approx(-float(weights @ np.log(weights)), abs=1e-13)
    assert any("determinised exactly, from 2 states to 2" in note for note in found["notes"])


def test_states_have_the_names_of_the_file(tmp_path: Path) -> None:
    """The states are 70, 5 and 6 there, whatever their order is, and a label may hold a semicolon."""
    with pytest.raises(SpecificationError, match=r'the string "a;b" has two paths: states 70-5 and 70-6, so that its'):
        exact(tmp_path, "70 5 a;b 1/2\n70 6 a;b 1/2\n5 5 a;b 1/2\n5 1/2\n6 6 a;b 1/3\n6 2/3\n")


def test_mass_of_infinite_strings_is_said(tmp_path: Path) -> None:
    """Half of the paths go to a state that never ends."""
    found = exact(tmp_path, "0 1 a 1/2\n0 1/2\n1 1 a 1\n")
    assert found["log_partition"] == pytest.approx(np.log(0.5))
    assert "the prior gives mass 0.5 to infinite strings; its finite strings are kept" in found["notes"]


def automaton_token(automaton: Any, step: int) -> str:
    token = int(automaton.token[step])
    return automaton.alphabet[token] if token < len(automaton.alphabet) else ""


def test_transducer_lines_and_weights_left_out(tmp_path: Path) -> None:
    text = "0 1 a a\n1 0 b b 1/2\n1 1/2\n"
    found = exact(tmp_path, text, 'semiring = "probability"\nacceptor = false')
    assert found["strings"] is None
    assert found["entropy"] == pytest.approx(2 * np.log(2))


@pytest.mark.parametrize(
    ("text", "prior", "message"),
    [
        ("0 0 a 1/2\n0 1/2\n", "", "prior.semiring is missing"),
        ("0 0 a 1/2\n0 1/2\n", 'semiring = "tropical"', 'prior.semiring must be "log" or "probability"'),
        ("", 'semiring = "log"', "no state is final, so that no string ends"),
        ("0 0 a x\n0 1\n", 'semiring = "log"', "line 1: the weight 'x' is no number"),
        ("0 0 a nan\n0 1\n", 'semiring = "log"', "line 1: the weight nan is no -log of a probability"),
        ("0 0 a -1/2\n0 1\n", 'semiring = "probability"', "line 1: a probability must be >= 0, got -1/2"),
        ("0 0 a b c d\n0 1\n", 'semiring = "log"', 'line 1: expected "source target label [weight]", got 6 fields'),
        (
            "0 0 a b 1\n0 1\n",
            'semiring = "log"\nacceptor = false',
            "line 1: input label 'a' and output label 'b' differ",
        ),
        ("0 0 a 1/2\n0 1/2\n0 1/2\n", 'semiring = "probability"', "line 3: state 0 is final twice"),
        ("0 0 a 1/2\n0 1/4\n", 'semiring = "probability"', "the weights of state 0 sum to 0.75, not 1"),
        ("0 0 <eps> 1\n0 0\n", 'semiring = "probability"', "the cycles of <eps> arcs have an infinite sum"),
        (
            "0 1 a 1/2\n0 2 a 1/2\n1 1 a 1/2\n1 1/2\n2 2 a 1/3\n2 2/3\n",
            'semiring = "probability"',
            "has two paths: states 0-1 and 0-2, so that its log p is no sum along one",
        ),
    ],
)
def test_refused(text: str, prior: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(SpecificationError) as caught:
        exact(tmp_path, text, prior)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_too_large_a_file_is_refused_by_its_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("theory.specification.openfst.MOST_BYTES", 10)
    with pytest.raises(SpecificationError, match=r"model\.txt: has 18 bytes; at most 10 are read"):
        exact(tmp_path, "0 0 a 1/2\n0 1/2\n\n\n")
