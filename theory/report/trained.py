"""How the adapters of the real models were trained: what their records say, as a section of the page on them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from theory.report.markdown import markdown_table
from theory.report.records import HeldOut, TrainingRecord
from theory.report.samples import interval
from theory.report.settling import apart

Trainings = Mapping[str, TrainingRecord]

_LABELS = {
    "expected": "The loss is the expectation over the Bradley-Terry law of the stated reward of the completion.",
    "drawn": "Which is preferred is drawn from the Bradley-Terry law of the stated reward of the completion.",
}

_CAPTION = (
    "*(a) Loss of the training pairs. (b) Held-out prompts: how often R, and how often r itself, puts the preferred "
    "string first. (c) Mean of r/beta under the prior and under the aligned model. Bars are 95 % intervals over "
    "prompts.*"
)


def trained(trainings: Trainings) -> Iterator[str]:
    """The lines of the section."""
    one = next(iter(trainings.values()))
    yield (
        f"`probqual train --pair smollm2` and `--pair smollm2-valence`: direct preference optimisation of a low-rank "
        f"adapter on {one.base}, in nats, {len(one.history)} steps of {one.pairs} pairs. Both strings of a pair are "
        f"drawn from the prior, of at most {one.length} tokens, and come a second time after step {one.fresh}. "
        f"{_LABELS[one.labels]} What comes after a cut is not trained. "
        f"The numbers are of {one.prompts} held-out prompts with {one.strings} strings each."
    )
    yield ""
    columns = [(f"{name}, beta = {record.beta}", record) for name, record in trainings.items()]
    rows: list[tuple[str, list[str]]] = [
        ("how often R puts the preferred string first", [interval(r.held_out.accuracy, 3) for _, r in columns]),
        (
            "how often r itself does, the most that is possible",
            [interval(r.held_out.best_accuracy, 3) for _, r in columns],
        ),
        ("loss, nats (0.693 before training)", [interval(r.held_out.loss, 3) for _, r in columns]),
        ("loss of r/beta, the least that any law can have", [interval(r.held_out.least_loss, 3) for _, r in columns]),
        ("Corr(R, r) within prompts", [interval(r.held_out.correlation_with_reward, 3) for _, r in columns]),
        ("slope of R on r/beta", [interval(r.held_out.slope_on_reward, 3) for _, r in columns]),
        ("E r under p, reward units", [interval(r.held_out.mean_reward_prior, 3) for _, r in columns]),
        ("E r under p+, reward units", [interval(r.held_out.mean_reward_aligned, 3) for _, r in columns]),
        ("E R under p+ = KL(p+ to p) of beginnings, nats", [interval(r.held_out.kl, 3) for _, r in columns]),
        ("strings that end, under p and p+", [_ended(r.held_out) for _, r in columns]),
    ]
    yield markdown_table(("", *(name for name, _ in columns)), [(name, *cells) for name, cells in rows])
    yield ""
    yield (
        "R is near r/beta where the correlation and the slope are 1: that is the minimum of the loss. "
        + " ".join(_saved(name, record) for name, record in trainings.items())
        + " The means of r under p and under p+ come from different strings. Where their intervals meet, it is not "
        "shown that training raised the reward: "
        + "; ".join(_raised(name, record) for name, record in trainings.items())
        + "."
    )
    yield ""
    yield (
        f"The loss of the training pairs, in the mean over fifty steps. Up to step {one.fresh} each pair is new when "
        "it is scored. After it the pairs are seen again: a loss below that of the held-out prompts then shows that "
        "they are remembered."
    )
    yield ""
    marks = list(range(50, len(one.history) + 1, 50))
    head = ("reward", *(f"to step {mark}" for mark in marks))
    yield markdown_table(head, [(name, *_fifties(record, marks)) for name, record in trainings.items()])
    yield ""
    yield "![how the adapters were trained](../../figures/training.png)"
    yield ""
    yield _CAPTION


def _saved(name: str, record: TrainingRecord) -> str:
    loss, least = record.held_out.loss.value, record.held_out.least_loss.value
    assert loss is not None, "held-out prompts have strings"
    assert least is not None, "held-out prompts have strings"
    return (
        f"Towards {name} training lowered the loss by {math.log(2) - loss:.2f} nats from log 2, where the best law "
        f"lowers it by {math.log(2) - least:.2f}."
    )


def _raised(name: str, record: TrainingRecord) -> str:
    before, after = record.held_out.mean_reward_prior, record.held_out.mean_reward_aligned
    return f"towards {name} they {'do not meet' if apart(before, after) else 'meet'}"


def _ended(found: HeldOut) -> str:
    return f"{found.ended_prior:.0%}, {found.ended_aligned:.0%}"


def _fifties(record: TrainingRecord, marks: Sequence[int]) -> list[str]:
    return [f"{sum(step.loss for step in record.history[mark - 50 : mark]) / 50:.3f}" for mark in marks]


__all__ = ["Trainings", "trained"]
