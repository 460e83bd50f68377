"""What log-probabilities that came with strings are of: ours, or counted in another way, which is then named.

Tools differ in what they call a log-likelihood: a mean for a sum, another base, the end left out or counted twice, a
second beginning-of-string token, the law after temperature and cuts, padding, another dtype. Each of these changes the
numbers in a way that can be computed from the models; the one that gives the numbers that came is the answer.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from simulations.bridge.decoder import TorchDecoder
from simulations.bridge.given_numbers import Case, Floats, Transform, agree, slack, transforms
from simulations.bridge.sample import Plan
from simulations.bridge.sampler_search import FEWEST, sampler
from simulations.bridge.score import Scoring, String
from simulations.sampling.adaptors import log_softmax, log_sum, log_weights
from simulations.sampling.generate import Decoder
from theory.adaptors.exact import Chain, chain

CHECKED = 8
"""Strings that are compared: half of them ended, where there are such."""

_TEMPERATURES = (
    "1/10",
    "1/5",
    "1/4",
    "3/10",
    "2/5",
    "1/2",
    "3/5",
    "7/10",
    "3/4",
    "4/5",
    "9/10",
    "11/10",
    "6/5",
    "3/2",
    "2",
)
_TOP_K = (10, 20, 40, 50, 100)
_NUCLEUS = ("4/5", "17/20", "9/10", "19/20", "99/100")

_PADDING = 128
"""Tokens of padding behind one string that are looked for."""

_COPIED = 300_000_000
"""Parameters of the largest model that is copied in another dtype."""

_LIKE_ROUNDING = 3.0
"""Differences of at most so many times the rounding of a dtype are that rounding."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What given log-probabilities are.

    Args:
        words: for a person, and for the record.
        ours: whether they are ours: sums or tokens of the law that they say, in nats, the end counted once.
    """

    words: str
    ours: bool


Variant = Callable[[Case], Floats]
"""The numbers of a string's tokens in one way of counting."""


def diagnose(scoring: Scoring) -> Diagnosis | None:
    """What the log-probabilities that came with the strings are; None where none came.

    Raises:
        ValueError: no way of counting that is known gives them, with the largest difference.
    """
    strings = [one for own in scoring.strings for one in own if one.given.logprobs is not None]
    if not strings:
        return None
    writer = scoring.plan.models.aligned or scoring.plan.models.prior
    cases = []
    for one in _chosen(strings):
        prompt = scoring.plan.ids[one.prompt]
        cases.append(Case(one, prompt, _laws(writer, prompt, one.tokens)))
    found = (
        _named(scoring.plan, cases) or _padded(scoring.plan, cases) or _sampled(cases) or _of_dtype(scoring.plan, cases)
    )
    if found is not None:
        return found
    odd = next((case for case in cases if not case.single and case.given.size != len(case.tokens)), None)
    also = (
        "" if odd is None else f"; row {odd.string.given.row} has {odd.given.size} of them for {len(odd.tokens)} tokens"
    )
    plain = _plain(scoring.plan)
    worst = max(abs(float(case.given.sum() - np.sum(plain(case)))) / len(case.tokens) for case in cases)
    raise ValueError(
        f"the log-probabilities that came differ from the models' by up to {worst:.3g} nats a token, and no way of "
        f"counting that is known explains it: another model, prompt, template or tokenizer{also}? Without the column "
        "logprobs the strings are scored all the same"
    )


def _chosen(strings: Sequence[String]) -> list[String]:
    """A few, spread over the file; those that ended and those that were cut, and of several lengths."""
    groups = [[one for one in strings if one.ended is ended] for ended in (True, False)]
    room = CHECKED // sum(bool(own) for own in groups)
    found = []
    for own in filter(None, groups):
        places = np.unique(np.linspace(0, len(own) - 1, min(room, len(own))).astype(int))
        found += [own[k] for k in places]
    return found


def _laws(decoder: Decoder, prompt: Sequence[int], tokens: Sequence[int]) -> Floats:
    found: Floats = log_softmax(decoder.logits(np.array([prompt]), np.array([tokens])))[0]
    return found


def _picked(law: Floats, tokens: Sequence[int]) -> Floats:
    found: Floats = law[np.arange(len(tokens)), np.array(tokens)]
    return found


# --- ways of counting ---------------------------------------------------------------------------------------------


def _after(steps: Chain) -> Variant:
    """The law that adaptors make: log w - log c."""

    def numbers(case: Case) -> Floats:
        weight = log_weights(case.law, steps)
        return _picked(weight, case.tokens) - log_sum(weight)

    return numbers


def _raw(case: Case) -> Floats:
    return _picked(case.law, case.tokens)


def _plain(plan: Plan) -> Variant:
    """As the rows say: of the model's law, or of their setting's."""
    adapted = [_after(steps) for steps in plan.run.chains]
    return lambda case: adapted[case.string.setting](case) if case.string.given.law == "adapted" else _raw(case)


def _variants(plan: Plan, cases: Sequence[Case]) -> Iterator[tuple[str, Variant]]:
    """(its name, what it counts), the most usual first."""
    models = plan.models
    writer, plain = models.aligned or models.prior, _plain(plan)
    longest = max(len(case.tokens) for case in cases)

    def without_end(case: Case) -> Floats:
        found = plain(case)
        return found[:-1] if case.string.ended else found

    def end_again(case: Case) -> Floats:
        found = plain(case)
        return np.append(found, found[-1]) if case.string.ended else found

    def one_more_end(case: Case) -> Floats:
        tokens = [*case.tokens, case.tokens[-1] if case.string.ended else _end(plan)]
        return _picked(_laws(writer, case.prompt, tokens), tokens)

    def behind(prompt: Callable[[Case], Sequence[int]]) -> Variant:
        return lambda case: _picked(_laws(writer, prompt(case), case.tokens), case.tokens)

    def padded(pad: int) -> Variant:
        def numbers(case: Case) -> Floats:
            more = (longest if case.single else max(len(case.given), len(case.tokens))) - len(case.tokens)
            tokens = [*case.tokens, *[pad] * more]
            return _picked(_laws(writer, case.prompt, tokens), tokens)

        return numbers

    yield "", plain
    yield "end missing", without_end
    yield "end counted twice", end_again
    yield "end counted twice", one_more_end
    if models.start is not None:
        start = models.start
        yield "a second beginning-of-string token", behind(lambda case: [start, *case.prompt])
        if all(case.prompt[0] == start and len(case.prompt) > 1 for case in cases):
            yield "beginning-of-string token missing", behind(lambda case: case.prompt[1:])
    for pad in dict.fromkeys(one for one in (models.pad, _end(plan)) if one is not None):
        yield "padding counted", padded(pad)
    yield "of the model's law, before temperature and cuts", _raw
    if models.aligned is not None:
        yield "of the prior", lambda case: _picked(_laws(models.prior, case.prompt, case.tokens), case.tokens)
    for steps in dict.fromkeys(steps for steps in plan.run.chains if steps):
        yield f"after temperature or cuts: {steps}", _after(steps)
    for value in _TEMPERATURES:
        yield f"after temperature {value}", _after(chain(("temperature", value)))
    for steps in (*(chain(("top_k", k)) for k in _TOP_K), *(chain(("nucleus", mass)) for mass in _NUCLEUS)):
        yield f"after cuts: {steps}", _after(steps)


def _end(plan: Plan) -> int:
    writer = plan.models.aligned or plan.models.prior
    return int(writer.end)


def _named(plan: Plan, cases: Sequence[Case]) -> Diagnosis | None:
    """The way of counting that gives all the numbers: ours, in other units, another one, another one in other units."""
    plain, *others = transforms(cases)
    tried: list[tuple[str, list[Floats]]] = []
    with np.errstate(invalid="ignore", divide="ignore"):
        for name, variant in _variants(plan, cases):
            numbers = [variant(case) for case in cases]
            for transform in (plain, *([] if name else others)):
                if agree(transform, numbers, cases):
                    return _diagnosis(name, transform, cases)
            tried.append((name, numbers))
        for name, numbers in tried[1:]:
            for transform in others:
                if agree(transform, numbers, cases):
                    return _diagnosis(name, transform, cases)
    return None


def _diagnosis(name: str, transform: Transform, cases: Sequence[Case]) -> Diagnosis:
    words = "; ".join(word for word in (name, transform.words) if word)
    shape = "sums" if cases[0].single else "a number a token"
    law = {"raw": "the models' law", "adapted": "the law after the adaptors"}[cases[0].string.given.law or "raw"]
    return Diagnosis(words or f"{shape} of {law}, nats, the end counted once", not words)


# --- what differs from string to string, or is on no list ----------------------------------------------------------


def _padded(plan: Plan, cases: Sequence[Case]) -> Diagnosis | None:
    """Sums that count padding, of each string as much as its batch needed."""
    single = [case for case in cases if case.single]
    if len(single) < len(cases) or len(cases) < FEWEST:
        return None
    writer, models = plan.models.aligned or plan.models.prior, plan.models
    for pad in dict.fromkeys(one for one in (models.pad, _end(plan)) if one is not None):
        sums = []
        for case in cases:
            room = models.longest - len(case.prompt) - len(case.tokens)
            tokens = [*case.tokens, *[pad] * max(0, min(_PADDING, room))]
            sums.append(np.cumsum(_picked(_laws(writer, case.prompt, tokens), tokens))[len(case.tokens) - 1 :])
        for transform in transforms(cases):
            if all(_some_length(transform, own, case) for own, case in zip(sums, cases, strict=True)):
                return _diagnosis("padding counted", transform, cases)
    return None


def _some_length(transform: Transform, sums: Floats, case: Case) -> bool:
    """Whether the number that came is the sum, or the mean, of the string and any number of tokens behind it."""
    counts = len(case.tokens) + np.arange(len(sums)) if transform.mean else np.ones(len(sums))
    gaps = np.abs(sums / counts / transform.unit - case.given)
    return bool((gaps <= slack(transform, case)).any())


def _sampled(cases: Sequence[Case]) -> Diagnosis | None:
    """A temperature and cuts that no list has."""
    found = sampler(cases)
    return None if found is None else _diagnosis(found[0].words, found[1], cases)


# --- dtype --------------------------------------------------------------------------------------------------------


def _of_dtype(plan: Plan, cases: Sequence[Case]) -> Diagnosis | None:
    """Whether the differences are what another dtype rounds: about as large as those of the same model in it."""
    writer, plain = plan.models.aligned or plan.models.prior, _plain(plan)
    if not isinstance(writer, TorchDecoder) or sum(p.numel() for p in writer.model.parameters()) > _COPIED:
        return None
    for dtype in ("float32", "float16", "bfloat16"):
        if dtype == str(writer.model.dtype).removeprefix("torch."):
            continue
        other = TorchDecoder(
            copy.deepcopy(writer.ready()).to(getattr(torch, dtype)), writer.end, writer.ends, writer.kept
        )
        moved = [plain(Case(one.string, one.prompt, _laws(other, one.prompt, one.tokens))) for one in cases]
        own = [plain(case) for case in cases]
        for transform in transforms(cases):
            ours, theirs = (
                [transform.of(numbers, case) for numbers, case in zip(kind, cases, strict=True)]
                for kind in (own, moved)
            )
            if any(one.shape != case.given.shape for one, case in zip(ours, cases, strict=True)):
                continue
            size = _size([one - two for one, two in zip(ours, theirs, strict=True)])
            gap = _size([one - case.given for one, case in zip(ours, cases, strict=True)])
            if gap <= _LIKE_ROUNDING * size:
                named = f"another dtype, as {dtype} rounds"
                return Diagnosis("; ".join([named, transform.words] if transform.words else [named]), False)
    return None


def _size(gaps: Sequence[Floats]) -> float:
    return float(np.sqrt(np.mean(np.concatenate(gaps) ** 2)))


__all__ = ["CHECKED", "Diagnosis", "diagnose"]
