"""Finite-sample tests of an engine's strings against the exact law of a known model under its settings.

Most tests are e-values: the tokens that are drawn in one state are independent draws of one law, however many they
are and whenever the strings end. So a mixture likelihood over the exact one is a martingale, and it ever reaches
1/alpha with probability at most alpha (Ville 1939). A token of probability 0 refutes at once. Among equal tokens of
which a cut keeps some, which ones stay is the engine's own: they are counted together, and no more than so many may
come.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulations.agreement.statistics import log_e_value
from simulations.conform.law import END, MODELS, KnownModel
from simulations.conform.samples import LENGTH, PAD, PROMPT, Strings
from simulations.sampling.adaptors import log_sum, log_weights
from theory.adaptors.exact import Chain

Floats = NDArray[np.float64]
Index = NDArray[np.int64]
Mask = NDArray[np.bool_]

BUDGET = 1e-6
"""P(any false alarm of a run)."""

TESTS = 48
"""Parts of the budget. Both models have eleven tests each, of all strings or of those of new seeds alone."""

_CELLS, _SIDE, _LONG = 16, 6, 8
_ODDS = np.log([0.0625, 0.25, 0.5, 0.7, 0.85, 1.2, 1.5, 2.0, 4.0, 16.0])
"""What the odds of an event may be multiplied by: the alternatives of the tests of events."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One test: how surprising what was seen is under the exact law.

    Args:
        model: the known model.
        name: of the test.
        draws: how many there were.
        log_evidence: log of the e-value, or of 1 / p; infinite where the impossible came.
        alarm: beyond the test's part of the budget.
        detail: what was seen, in words.
    """

    model: str
    name: str
    draws: int
    log_evidence: float
    alarm: bool
    detail: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Expected:
    """The law of the next token in each state of a model under a chain of adaptors.

    Args:
        model: the known model.
        law: shape (classes, V).
        ties: of each state, the number of the group of equally probable tokens that each token is in, (classes, V).
        kept: of each state, how many tokens of each group the chain keeps, (classes, groups).
    """

    model: KnownModel
    law: Floats
    ties: Index
    kept: Index

    @staticmethod
    def of(model: KnownModel, steps: Chain) -> Expected:
        """The exact law in float64.

        Raises:
            ValueError: a step needs the tokens before, so that the states of the model do not fix the law.
        """
        if steps.history is not None:
            raise ValueError(f"{steps.history.name} needs the tokens before; switch penalties off to test an engine")
        weight = log_weights(model.log_law, steps)
        law = np.exp(weight - log_sum(weight)[:, None])
        ties = np.stack([np.unique(row, return_inverse=True)[1] for row in model.weights])
        groups = int(ties.max()) + 1
        kept = np.stack([np.bincount(t, (row > 0).astype(float), groups) for t, row in zip(ties, law, strict=True)])
        return Expected(model, law, ties, kept.astype(np.int64))

    def cells(self, state: int, most: int) -> Index:
        """A cell for each token: the end alone, else tokens of about equal mass together; equals never apart."""
        weights, law = self.model.weights[state], self.law[state]
        mass = np.bincount(self.ties[state], law)
        values = np.unique(weights)
        order = np.argsort(-values, kind="stable")
        place = np.floor(np.cumsum(mass[order]) * (most - 1) - 1e-9).clip(0, most - 2).astype(np.int64)
        of_group = np.empty(len(values), dtype=np.int64)
        of_group[order] = place
        cells: Index = 1 + of_group[self.ties[state]]
        cells[END] = 0
        return cells


def check(strings: dict[str, Strings], steps: Chain) -> list[Finding]:
    """Every test of every model's strings.

    Raises:
        ValueError: the chain cannot be tested.
    """
    found: list[Finding] = []
    for name, own in strings.items():
        expected = Expected.of(MODELS[name](), steps)
        found += _tests(name, expected, own)
    assert len(found) <= TESTS, "the budget is split over so many"
    return found


def _tests(name: str, expected: Expected, own: Strings) -> Iterator[Finding]:
    yield _repeats(name, expected, own)
    seeds, own = _seeds(name, own)
    yield seeds
    states = _states(expected, own)
    yield _support(name, expected, own, states)
    yield _lengths(name, own)
    yield _marginals(name, "tokens", expected, own.tokens, states)
    first_row = own.row == 0
    yield _marginals(name, "first row of a batch", expected, own.tokens[first_row], states[first_row])
    yield _marginals(name, "first token", expected, own.tokens[:, :1], states[:, :1])
    yield _pairs(name, "pairs within a string", expected, *_neighbours(own, states))
    yield _pairs(name, "rows of a batch", expected, *_rows(own, states))
    yield _came_before(name, expected, own, states)
    yield _ends(name, expected, own, states)


def _finding(model: str, name: str, draws: int, log_evidence: float, detail: str = "") -> Finding:
    return Finding(model, name, draws, log_evidence, log_evidence >= math.log(TESTS / BUDGET), detail)


def _states(expected: Expected, own: Strings) -> Index:
    """The state before each token: the class of the one before it."""
    before = np.concatenate((np.full((len(own.tokens), 1), PROMPT[-1]), own.tokens[:, :-1]), axis=1)
    found: Index = expected.model.classes[np.where(before == PAD, 0, before)]
    return found


def _support(name: str, expected: Expected, own: Strings, states: Index) -> Finding:
    """No token that the chain cuts; of equals of which it keeps some, no more than so many."""
    drawn = own.tokens != PAD
    for state in range(len(expected.law)):
        seen = np.unique(own.tokens[drawn & (states == state)])
        groups = Counter(int(g) for g in expected.ties[state][seen])
        for group, count in groups.items():
            if count > expected.kept[state][group]:
                token = next(int(t) for t in seen if expected.ties[state][t] == group)
                most = expected.kept[state][group]
                detail = f"state {state}: {count} tokens as likely as token {token} came, {most} can"
                return _finding(name, "kept tokens", int(drawn.sum()), math.inf, detail)
    return _finding(name, "kept tokens", int(drawn.sum()), 0.0)


def _lengths(name: str, own: Strings) -> Finding:
    """Strings end with the end, or at the length limit."""
    length = (own.tokens != PAD).sum(axis=1)
    last = own.tokens[np.arange(len(length)), length - 1]
    short = (length < LENGTH) & (last != END)
    detail = f"{int(short.sum())} strings stop before {LENGTH} tokens without the end" if short.any() else ""
    return _finding(name, "ends", len(length), math.inf if short.any() else 0.0, detail)


def _seeds(name: str, own: Strings) -> tuple[Finding, Strings]:
    """Whether a seed that was given again writes its string again; then only its first call is new.

    No alarm: an engine whose seeds fix nothing still samples its law. All strings are then draws of their own.
    """
    first: dict[tuple[int, int], int] = {}
    new, differing = np.ones(len(own.seed), dtype=bool), 0
    for k, (seed, row, call) in enumerate(zip(own.seed.tolist(), own.row.tolist(), own.call.tolist(), strict=True)):
        one = first.setdefault((seed, row), k) if seed >= 0 else k
        if own.call[one] != call:
            new[k] = False
            differing += not np.array_equal(own.tokens[one], own.tokens[k])
    again = int((~new).sum())
    if differing:
        detail = f"{differing} of {again} strings differ from the first that was written with their seed"
        return _finding(name, "seeds", again, 0.0, detail), own
    return _finding(name, "seeds", again, 0.0), own.chosen(new)


def _came_before(name: str, expected: Expected, own: Strings, states: Index) -> Finding:
    """How often a token comes that stands in its string already, and how often the one just before comes again.

    Of tokens whose chance is known: which of several equals a cut keeps is the engine's own.
    """
    known = _wholly_kept(expected)
    chance = np.where(known, expected.law, 0.0)
    seen = np.zeros((len(own.tokens), chance.shape[1]), dtype=bool)
    every, last = list[tuple[Mask, Floats]](), list[tuple[Mask, Floats]]()
    for position in range(1, LENGTH):
        before = own.tokens[:, position - 1]
        there = (own.tokens[:, position] != PAD) & (before != PAD)
        seen[there, before[there]] = True
        rows, drawn, state = np.flatnonzero(there), own.tokens[there, position], states[there, position]
        hit = known[state, drawn]
        every.append((hit & seen[rows, drawn], np.where(seen[rows], chance[state], 0.0).sum(axis=1)))
        last.append((hit & (drawn == before[there]), chance[state, before[there]]))
    one, other = (
        _event(np.concatenate([hit for hit, _ in events]), np.concatenate([p for _, p in events]))
        for events in (every, last)
    )
    draws = sum(len(hit) for hit, _ in every)
    return _finding(name, "tokens again", draws, float(np.logaddexp(one, other)) - math.log(2))


def _ends(name: str, expected: Expected, own: Strings, states: Index) -> Finding:
    """How often strings end at each place; the places multiply."""
    evidence, draws = 0.0, 0
    for position in range(LENGTH):
        there = own.tokens[:, position] != PAD
        draws += int(there.sum())
        hit = own.tokens[there, position] == END
        evidence += _event(hit, expected.law[states[there, position], END])
    return _finding(name, "length", draws, evidence)


def _wholly_kept(expected: Expected) -> Mask:
    """Tokens of whose equals the chain keeps all, shape (classes, V)."""
    found = np.zeros(expected.law.shape, dtype=bool)
    for state, (ties, kept) in enumerate(zip(expected.ties, expected.kept, strict=True)):
        found[state] = kept[ties] == np.bincount(ties)[ties]
    return found


def _event(hit: Mask, chance: Floats) -> float:
    """log of the e-value of events whose chances are known before each: odds times one factor, the mean over factors.

    Each factor's likelihood ratio is a martingale, in whatever order the events come.
    """
    inside = (chance > 0) & (chance < 1)
    hits, chance = hit[inside], chance[inside]
    if not len(hits):
        return 0.0
    scale = np.log1p(np.expm1(_ODDS)[:, None] * chance).sum(axis=1)
    return float(np.logaddexp.reduce(_ODDS * hits.sum() - scale)) - math.log(len(_ODDS))


def _marginals(name: str, test: str, expected: Expected, tokens: Index, states: Index) -> Finding:
    """The tokens of each state by cells, fine and coarse: the mean of the e-values."""
    evidence, draws, whole = np.zeros(2), 0, _wholly_kept(expected)
    for state in range(len(expected.law)):
        chosen = tokens[(tokens != PAD) & (states == state)]
        draws += len(chosen)
        fine = np.where(whole[state], np.arange(whole.shape[1]), whole.shape[1] + expected.ties[state])
        for k, cells in enumerate((fine, expected.cells(state, _CELLS))):
            evidence[k] += _evidence(cells, expected.law[state], chosen)
    return _finding(name, test, draws, float(np.logaddexp.reduce(evidence)) - math.log(2))


def _evidence(cells: Index, law: Floats, chosen: Index) -> float:
    """log of the e-value of draws by cells; draws in cells without mass are the support's business."""
    size = int(cells.max()) + 1
    prob = np.bincount(cells, law, size)
    counts = np.bincount(cells[chosen], minlength=size).astype(float)
    inside = prob > 0
    if inside.sum() < 2:
        return 0.0
    return log_e_value(counts[inside], prob[inside] / prob[inside].sum())


def _neighbours(own: Strings, states: Index) -> tuple[Index, Index, Index, Index]:
    """(first, second, state, state) of tokens 1 and 2, 3 and 4, ...; the second is PAD where the first ended."""
    even = np.arange(0, LENGTH - 1, 2)
    first, second = own.tokens[:, even], own.tokens[:, even + 1]
    there = (first != PAD) & ((second != PAD) | (first == END))
    return first[there], second[there], states[:, even][there], states[:, even + 1][there]


def _rows(own: Strings, states: Index) -> tuple[Index, Index, Index, Index]:
    """(token, token, state, state) at one place of two neighbouring rows of one call, while both are written."""
    order = np.lexsort((own.row, own.call))
    call, row = own.call[order], own.row[order]
    pairs = np.flatnonzero((call[1:] == call[:-1]) & (row[1:] == row[:-1] + 1) & (row[:-1] % 2 == 0))
    one, other = order[pairs], order[pairs + 1]
    there = (own.tokens[one] != PAD) & (own.tokens[other] != PAD)
    return own.tokens[one][there], own.tokens[other][there], states[one][there], states[other][there]


def _pairs(name: str, test: str, expected: Expected, first: Index, second: Index, one: Index, two: Index) -> Finding:
    """Two tokens by coarse cells: the second is drawn from its own state's law, whatever the first was.

    Each state and cell of the first has an e-value for the second; they multiply.
    """
    evidence, draws = 0.0, 0
    for state in range(len(expected.law)):
        cells = expected.cells(state, _SIDE)
        for follows in range(len(expected.law)):
            for cell in range(_SIDE):
                chosen = (one == state) & (two == follows) & (cells[first] == cell) & (second != PAD)
                if chosen.any():
                    draws += int(chosen.sum())
                    law, side = expected.law[follows], expected.cells(follows, _SIDE)
                    evidence += _evidence(side, law, second[chosen])
    return _finding(name, test, draws, evidence)


def _repeats(name: str, expected: Expected, own: Strings) -> Finding:
    """Calls without a seed, or with seeds of their own, write strings of their own: by Markov on the equal pairs.

    Pairs are of the same row of two calls, and of strings of ``_LONG`` tokens or more: short ones repeat by chance.
    """
    call_of_seed: dict[int, int] = {}
    groups: dict[int, list[tuple[int, ...]]] = {}
    for tokens, call, row, seed in zip(own.tokens, own.call, own.row, own.seed, strict=True):
        if seed < 0 or call_of_seed.setdefault(int(seed), int(call)) == call:
            groups.setdefault(int(row), []).append(tuple(tokens.tolist()))
    equal, expectation, draws = 0, 0.0, 0
    chance = _collision(expected)
    for strings in groups.values():
        long = Counter(one for one in strings if one[_LONG - 1] != PAD)
        equal += sum(k * (k - 1) // 2 for k in long.values())
        expectation += len(strings) * (len(strings) - 1) / 2 * chance
        draws += len(strings)
    evidence = math.log(equal / expectation) if equal and expectation else 0.0
    detail = f"{equal} pairs of calls write the same string, {expectation:.2g} are expected" if equal else ""
    return _finding(name, "calls repeat", draws, evidence, detail)


def _collision(expected: Expected) -> float:
    """P(two strings are equal and have ``_LONG`` tokens or more): backwards over the states."""
    value = np.ones(len(expected.law))
    square, going = expected.law**2, np.arange(expected.law.shape[1]) != END
    for position in reversed(range(LENGTH)):
        ended = square[:, END] if position >= _LONG - 1 else 0.0
        value = ended + (square * going) @ value[expected.model.classes]
    return float(value[expected.model.classes[PROMPT[-1]]])


__all__ = ["BUDGET", "Expected", "Finding", "check"]
