"""Back-off n-gram models as failure-arc automata: what is listed, and one back-off arc a state, never expanded.

p(w|h) is what is listed for hw, else the back-off weight of h times p(w|h-), where h- lacks the oldest word of h. A
state is a context: a listed n-gram with listed continuations, and the empty one. After w, the next state is the longest
context that the words so far end with. So the words that h does not list go where they go from h-.

The rows of real models do not sum to 1. c(h) = sum of listed p + back-off weight of h times (c(h-) - sum of p(w|h-)
over the words that h lists); the law is p(w|h) / c(h).

Every n-gram's own suffix is listed, too: where a file lacks it, it is added with the probability that it has anyway.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from theory.language_models.arpa import ArpaText, Section
from theory.language_models.automaton import Floats, Index, Mask

START, END = "<s>", "</s>"
_UNKNOWN = ("<unk>", "<UNK>")
_NOTHING_LEFT = 90.0
"""Writers mark a context that lists every word by a back-off weight of 10^99.999 or so."""

LN10 = math.log(10)

Small = NDArray[np.int32]

Words = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class NGramModel:
    """A back-off model with S states and n listed arcs, ends included.

    Args:
        alphabet: the tokens, in the order of the unigrams; the end is ``len(alphabet)``.
        order: 3 for trigrams.
        initial: where strings begin.
        levels: states of j words are ``levels[j]`` to ``levels[j + 1] - 1``; state 0 is the empty context.
        back: the state that lacks the oldest word, shape (S,); state 0 has itself.
        log10_back: of the back-off weight, -inf where nothing is left; shape (S,). State 0 has -inf.
        starts: the first arc of each state, shape (S + 1,); no state is without.
        token: shape (n,); ascending at each state.
        log10_prob: of each arc as written; shape (n,).
        target: shape (n,); S is the end.
        lower: the arc of the same token at the state's ``back``; shape (n,). Those of state 0 have themselves.
        dangling: log10 of what the file's weights of contexts without continuations add after an arc; None where
            nothing.
        prefix, last: the words of a state are those of its prefix and its last one, an index into ``words``; (S,).
        words: the unigrams.
        decimals: whether ``log10_prob`` and ``log10_back`` determine the decimals that were written.
        added: how many arcs were not in the file.
        left_out: how many n-grams of the file have no part in any string.
    """

    alphabet: tuple[str, ...]
    order: int
    initial: int
    levels: tuple[int, ...]
    back: Small
    log10_back: Floats
    starts: Index
    token: Small
    log10_prob: Floats
    target: Small
    lower: Small
    dangling: Floats | None
    prefix: Small
    last: Small
    words: tuple[str, ...]
    decimals: bool
    added: int
    left_out: int

    @property
    def expanded(self) -> int:
        """Arcs of the automaton that has one for each context and token, ends included."""
        return self.states * (len(self.alphabet) + 1)

    @property
    def states(self) -> int:
        """S."""
        return len(self.back)

    def __len__(self) -> int:
        return len(self.token)

    @property
    def source(self) -> Small:
        """The state of each arc, shape (n,)."""
        return np.repeat(np.arange(self.states, dtype=np.int32), np.diff(self.starts))

    def context(self, state: int) -> tuple[str, ...]:
        """The words of a state, oldest first."""
        found = []
        while state:
            found.append(self.words[self.last[state]])
            state = int(self.prefix[state])
        return tuple(reversed(found))

    def chain(self, state: int) -> list[int]:
        """The state, what it backs off to, and so on to the empty context."""
        found = [state]
        while found[-1]:
            found.append(int(self.back[found[-1]]))
        return found

    def row(self, state: int, unigrams: tuple[Floats, Index] | None = None) -> tuple[Floats, Index]:
        """(log10 p as written, target) of every token and last of the end at a state; p = 0 is -inf.

        Shapes (V + 1,). ``unigrams`` is the row of state 0, for who asks for many. Cost: O(V).
        """
        chain, width = self.chain(state), len(self.alphabet) + 1
        known = unigrams or (np.full(width, -np.inf), np.zeros(width, dtype=np.int64))
        log10_prob, target = known[0].copy(), known[1].copy()
        for place in reversed(chain if unigrams is None else chain[:-1]):
            arcs = slice(int(self.starts[place]), int(self.starts[place + 1]))
            log10_prob += self.log10_back[place] if place else 0.0
            log10_prob[self.token[arcs]] = self.log10_prob[arcs]
            target[self.token[arcs]] = self.target[arcs]
        return log10_prob, target

    def arc(self, state: int, token: int) -> tuple[int, float] | None:
        """The arc that emits a token from a state, and the log10 of the back-off weights on the way to it."""
        passed = 0.0
        while True:
            low, high = int(self.starts[state]), int(self.starts[state + 1])
            place = low + int(np.searchsorted(self.token[low:high], token))
            if place < high and self.token[place] == token:
                return place, passed
            if state == 0:
                return None
            passed += float(self.log10_back[state])
            state = int(self.back[state])

    def scores(self, tokens: Sequence[str]) -> Iterator[float]:
        """log10 p as written of each token of a string, and last of its end; -inf for what is no token."""
        place = {token: k for k, token in enumerate(self.alphabet)}
        state, owed = self.initial, 0.0
        for number in (*(place.get(token, -1) for token in tokens), len(self.alphabet)):
            found = self.arc(state, number)
            if found is None:
                yield -math.inf
                state, owed = 0, 0.0
                continue
            arc, passed = found
            yield owed + passed + float(self.log10_prob[arc])
            state = int(self.target[arc])
            owed = 0.0 if self.dangling is None else float(self.dangling[arc])

    def row_sums(self, values: Floats) -> Floats:
        """The sum over each state's arcs, in pieces of at most 256: shape (n,) to (S,)."""
        pieces = self.pieces()
        partial = np.add.reduceat(values, pieces)
        result: Floats = np.add.reduceat(partial, np.searchsorted(pieces, self.starts[:-1]))
        return result

    def pieces(self) -> Index:
        """Where each piece of at most 256 arcs of one state begins."""
        begins = np.zeros(len(self), dtype=bool)
        begins[self.starts[:-1]] = begins[::PIECE] = True
        return np.flatnonzero(begins)

    def masses(self) -> Floats:
        """c(h), the sum of each row as written; shape (S,)."""
        prob = 10.0**self.log10_prob
        return self._summed(self.row_sums(prob), -self.row_sums(prob[self.lower]))

    def mass_sizes(self) -> Floats:
        """The sums of the sizes of the terms that make up each c(h): what its rounding is measured by."""
        prob = 10.0**self.log10_prob
        return self._summed(self.row_sums(prob), self.row_sums(prob[self.lower]))

    def _summed(self, listed: Floats, covered: Floats) -> Floats:
        weight = 10.0**self.log10_back
        for low, high in itertools.pairwise(self.levels[1:]):
            some = slice(low, high)
            listed[some] += weight[some] * (listed[self.back[some]] + covered[some])
        return listed

    def reachable(self, kept: Mask | None = None) -> Mask:
        """The states that strings of the kept tokens pass, exactly; ``kept`` has shape (V + 1,), default all.

        A token that h does not list arrives at the arc of h- . Since the model lists each n-gram's suffixes, an arc of
        g is passed iff g is reachable, or some context that backs off to g is active and does not list the token.
        """
        live = np.zeros(self.states, dtype=bool)
        live[self.initial] = True
        source, passes = self.source, np.isfinite(self.log10_back)
        ok = np.isfinite(self.log10_prob) if kept is None else kept[self.token] & np.isfinite(self.log10_prob)
        longer = np.flatnonzero(source >= self.levels[1])
        while True:
            active = live.copy()
            for low, high in zip(self.levels[-2:0:-1], self.levels[:1:-1], strict=True):
                some = np.arange(low, high)
                some = some[active[some] & passes[some]]
                active[self.back[some]] = True
            sends = active & passes
            sends[0] = False
            children = np.bincount(self.back[sends], minlength=self.states)
            listing = np.bincount(self.lower[longer[sends[source[longer]]]], minlength=len(self))
            passed = ok & (live[source] | (children[source] > listing))
            reached = self.target[passed]
            reached = reached[reached < self.states]
            if live[reached].all():
                return live
            live[reached] = True


PIECE = 256
"""Longer rows are summed in pieces, so that rounding grows with their square root."""


def ngram_model(text: ArpaText, unknown: str | None = None) -> NGramModel:
    """The model that an ARPA file describes.

    <s> is never predicted; strings begin in its context, or in the empty one where it has no continuation. </s> is
    the end. n-grams with <s> behind the first place, or with </s> before the last, lie on no string: left out.

    Args:
        text: as read.
        unknown: what becomes of <unk>: "drop" leaves it out, any other name is the token that it emits; None where the
            model has none.

    Raises:
        ValueError: names the line and the n-gram that cannot be.
    """
    return _Building(text, unknown).model()


class _Building:
    """Words are numbered anew: the tokens in their order, then the end, then what is never emitted."""

    def __init__(self, text: ArpaText, unknown: str | None) -> None:
        self.words = list(text.words)
        self.place = {word: k for k, word in enumerate(self.words)}
        if END not in self.place:
            raise ValueError(f"there is no {END} among the unigrams, so that no string ends")
        dropped = self._unknown(unknown)
        last = [self.place[END], *(k for k in (self.place.get(START, -1), dropped) if k >= 0)]
        order = [k for k in range(len(self.words)) if k not in last] + last
        self.words = [self.words[k] for k in order]
        self.tokens = len(order) - len(last)
        if not self.tokens:
            raise ValueError("there is no word but <s>, </s> and <unk>")
        self.start = self.tokens + 1 if START in self.place else -1
        self.dropped = len(order) - 1 if dropped >= 0 else -1
        number = np.empty(len(order), dtype=np.int32)
        number[order] = np.arange(len(order))
        renamed = [Section(number[s.words], s.log_prob, s.back_off, s.line) for s in text.sections]
        self.sections = [renamed[0].rows(np.array(order)), *(self._useful(section) for section in renamed[1:])]
        self.left_out = sum(len(s) for s in text.sections) - sum(len(s) for s in self.sections)
        self.decimals = text.decimals
        self.added = 0
        self.keys: list[Index] = []

    def _unknown(self, policy: str | None) -> int:
        """The unknown word's index where it is dropped, else -1; its name is changed where it is a token."""
        found = [self.place[word] for word in _UNKNOWN if word in self.place]
        if not found:
            return -1
        name = self.words[found[0]]
        if len(found) > 1:
            raise ValueError(f"{_UNKNOWN[0]} and {_UNKNOWN[1]} are both unigrams; only one stands for unknown words")
        if policy is None:
            raise ValueError(
                f'the model gives a probability to {name}: say unknown = "drop", or unknown = "TOKEN" to emit a token'
            )
        if policy == "drop":
            return found[0]
        if policy in self.place and policy != name:
            raise ValueError(f'unknown = "{policy}": this word has a unigram of its own; choose another name')
        self.words[found[0]] = policy
        return -1

    def _useful(self, section: Section) -> Section:
        words = section.words
        kept = (words[:, 1:] != self.start).all(axis=1) & (words[:, :-1] != self.tokens).all(axis=1)
        kept &= (words != self.dropped).all(axis=1)
        return section if kept.all() else section.rows(kept)

    def shown(self, rows: Words) -> str:
        """An n-gram in quotes."""
        return '"' + " ".join(self.words[w] for w in rows.tolist()) + '"'

    def look_up(self, rows: Words) -> Index:
        """The place of each row among the n-grams of its order; -1 where it is not listed."""
        place = rows[:, 0].astype(np.int64)
        for column in range(1, rows.shape[1]):
            place = self._child(column - 1, place, rows[:, column])
        return place

    def _child(self, level: int, place: Index, word: Words) -> Index:
        keys = self.keys[level]
        if not len(keys):
            return np.full(len(place), -1)
        key = place * len(self.words) + word
        found = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
        return np.where((place >= 0) & (keys[found] == key), found, -1)

    def model(self) -> NGramModel:
        while not (levels := self._levels()):
            pass
        return _assemble(self, levels)

    def _levels(self) -> list[_Level] | None:
        """The n-grams of each order, sorted; None where suffixes had to be added, and all is to be done again."""
        first = self.sections[0]
        none = np.zeros(len(first), dtype=np.int64)
        self.keys = []
        levels = [_Level(first, none, none)]
        for order in range(2, len(self.sections) + 1):
            section = self.sections[order - 1]
            parent = self.look_up(section.words[:, :-1])
            lost = np.flatnonzero(parent < 0)
            if len(lost):
                row = int(lost[0])
                raise ValueError(
                    f"line {section.line[row]}: {self.shown(section.words[row])} is listed without its prefix "
                    f"{self.shown(section.words[row, :-1])}"
                )
            key = parent * len(self.words) + section.words[:, -1]
            if (key[1:] < key[:-1]).any():
                sort = np.argsort(key, kind="stable")
                key, parent, section = key[sort], parent[sort], section.rows(sort)
                self.sections[order - 1] = section
            self._refuse_twice(section, key)
            suffix = self.look_up(section.words[:, 1:])
            if (suffix < 0).any():
                self._add(order - 1, section.rows(suffix < 0))
                return None
            self.keys.append(key)
            levels.append(_Level(section, parent, suffix))
        return levels

    def _refuse_twice(self, section: Section, key: Index) -> None:
        same = np.flatnonzero(key[1:] == key[:-1])
        if len(same):
            one, two = sorted(int(section.line[int(same[0]) + k]) for k in (0, 1))
            raise ValueError(f"line {two}: {self.shown(section.words[int(same[0])])} stands also on line {one}")

    def _add(self, order: int, longer: Section) -> None:
        """List the suffixes of these n-grams, with the probability that they have by backing off."""
        words, first = np.unique(longer.words[:, 1:], axis=0, return_index=True)
        old = self.sections[order - 1]
        self.added += len(words)
        self.sections[order - 1] = Section(
            np.concatenate((old.words, words)),
            np.concatenate((old.log_prob, np.full(len(words), np.nan))),
            np.concatenate((old.back_off, np.zeros(len(words)))),
            np.concatenate((old.line, longer.line[first])),
        )


@dataclass(slots=True)
class _Level:
    """The n-grams of one order, sorted by (parent, last word).

    Args:
        parent, suffix: places among those of the order below, shape (m,).
    """

    section: Section
    parent: Index
    suffix: Index


def _assemble(build: _Building, levels: list[_Level]) -> NGramModel:
    order, width = len(levels), build.tokens + 1
    log10_prob = _filled(levels)
    state = _numbered(levels)
    bounds = [0, 1]
    for numbers in state:
        bounds.append(bounds[-1] + int((numbers >= 0).sum()))
    end = bounds[-1]
    first = levels[0].section.rows(np.arange(width))
    target = [np.maximum(state[0][:width], 0) if order > 1 else np.zeros(width, dtype=np.int64)]
    target[0][-1] = end
    owed = [_owed(first, state[0][:width] if order > 1 else None)]
    lower, offset = [np.arange(width)], 0
    for k, level in enumerate(levels[1:], start=1):
        lower.append(level.suffix + offset)
        offset += len(target[-1])
        inner = state[k] if k < order - 1 else None
        below = target[-1][level.suffix]
        target.append(below if inner is None else np.where(inner >= 0, inner, below))
        hangs = _owed(level.section, inner) + owed[-1][level.suffix]
        owed.append(hangs if inner is None else np.where(inner >= 0, 0.0, hangs))
    arcs = _arcs_per_state(levels, state, width)
    contexts = _contexts(build, levels, state, bounds, arcs)
    token = np.concatenate([np.arange(width), *(level.section.words[:, -1] for level in levels[1:])]).astype(np.int32)
    hanging = np.where(token == build.tokens, 0.0, np.concatenate(owed))
    return NGramModel(
        alphabet=tuple(build.words[: build.tokens]),
        order=order,
        initial=max(0, int(state[0][build.start])) if order > 1 and build.start >= 0 else 0,
        levels=tuple(bounds),
        back=contexts.back,
        log10_back=contexts.weight,
        starts=np.concatenate(([0], np.cumsum(arcs))),
        token=token,
        log10_prob=np.concatenate([log10_prob[0][:width], *log10_prob[1:]]),
        target=np.concatenate(target).astype(np.int32),
        lower=np.concatenate(lower).astype(np.int32),
        dangling=hanging if hanging.any() else None,
        prefix=contexts.prefix,
        last=contexts.last,
        words=tuple(build.words),
        decimals=build.decimals and not build.added,
        added=build.added,
        left_out=build.left_out,
    )


def _filled(levels: list[_Level]) -> list[Floats]:
    """log10 p of every level, those that were added by backing off."""
    found = [levels[0].section.log_prob]
    for below, level in itertools.pairwise(levels):
        given = level.section.log_prob
        backed = below.section.back_off[level.parent] + found[-1][level.suffix]
        found.append(np.where(np.isnan(given), backed, given))
        above = np.flatnonzero(found[-1] > 0)
        if len(above):
            line = int(level.section.line[above[0]])
            raise ValueError(f"line {line}: backing off from the n-gram there gives a probability above 1")
    return found


def _numbered(levels: list[_Level]) -> list[Index]:
    """The state of each n-gram below the highest order; -1 where it has no continuation."""
    found, following = [], 1
    for level, above in itertools.pairwise(levels):
        inner = np.zeros(len(level.section), dtype=bool)
        inner[above.parent] = True
        found.append(np.where(inner, following + np.cumsum(inner) - 1, -1))
        following += int(inner.sum())
    return found


def _owed(section: Section, state: Index | None) -> Floats:
    """What the weight of a context without continuations adds to the next step."""
    return section.back_off if state is None else np.where(state >= 0, 0.0, section.back_off)


def _arcs_per_state(levels: list[_Level], state: list[Index], first: int) -> Index:
    counts = [np.array([first])]
    for k, level in enumerate(levels[1:]):
        counts.append(np.bincount(level.parent, minlength=len(levels[k].section))[state[k] >= 0])
    return np.concatenate(counts)


@dataclass(frozen=True, slots=True, eq=False)
class _Contexts:
    back: Small
    weight: Floats
    prefix: Small
    last: Small


def _contexts(build: _Building, levels: list[_Level], state: list[Index], bounds: list[int], arcs: Index) -> _Contexts:
    """What belongs to each state.

    Raises:
        ValueError: a back-off weight that means "nothing left" at a context that does not list every word.
    """
    states = bounds[-1]
    back, prefix, last = (np.zeros(states, dtype=np.int32) for _ in range(3))
    weight = np.full(states, -np.inf)
    for k in range(len(levels) - 1):
        section = levels[k].section
        chosen = np.flatnonzero(state[k] >= 0)
        some = slice(bounds[k + 1], bounds[k + 2])
        last[some] = section.words[chosen, -1]
        if k:
            back[some] = state[k - 1][levels[k].suffix[chosen]]
            prefix[some] = state[k - 1][levels[k].parent[chosen]]
        given = section.back_off[chosen]
        weight[some] = np.where(given >= _NOTHING_LEFT, -np.inf, given)
        ends = section.words[:, -1] == build.tokens
        bare = (section.back_off >= _NOTHING_LEFT) & (state[k] < 0) & ~ends
        bare &= section.words[:, 0] != build.dropped
        short = chosen[(given >= _NOTHING_LEFT) & (arcs[some] < build.tokens + 1)]
        wrong = np.sort(np.concatenate((short, np.flatnonzero(bare))))
        if len(wrong):
            row = int(wrong[0])
            raise ValueError(
                f"line {section.line[row]}: the back-off weight 10^{section.back_off[row]:g} of "
                f"{build.shown(section.words[row])} means that no word is left, but the context does not list them all"
            )
    return _Contexts(back, weight, prefix, last)


__all__ = ["END", "LN10", "PIECE", "START", "NGramModel", "ngram_model"]
