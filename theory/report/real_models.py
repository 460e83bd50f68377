"""The real models side by side: what each pair shows of the paper's three sentences, and what is not settled."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from theory.report.markdown import markdown_table
from theory.report.records import Estimate, GibbsAnalysis, HeldOut, PairAnalysis, SettingEstimates, TrainingRecord
from theory.report.samples import interval, turning

Runs = Mapping[str, PairAnalysis | GibbsAnalysis]
Trainings = Mapping[str, TrainingRecord]

PAGE = "real-models"

_ALIGNED = {
    "embedded:aligned": "DPO towards VADER, all weights",
    "adapter:embedded:smollm2-vader": "an adapter, DPO towards VADER",
    "adapter:embedded:smollm2-vader-weak": "the same adapter, early",
    "adapter:embedded:smollm2-valence": "an adapter, DPO towards the valence of words",
}

_LABELS = {
    "expected": "The loss is the expectation over the Bradley-Terry law of the stated reward of the completion.",
    "drawn": "Which is preferred is drawn from the Bradley-Terry law of the stated reward of the completion.",
}

_SIZES = {"embedded:prior": "0.9 M parameters", "embedded:smollm2": "135 M parameters"}


def base_of(found: PairAnalysis) -> SettingEstimates:
    """The setting without an adaptor: p+ itself."""
    return found.settings[found.run.chains.index(())]


def times_as_many(estimate: Estimate, borders: Sequence[float]) -> float | None:
    """How many times as many prompts would have an interval of this centre that holds no border; None if it holds none.

    The width of an interval over prompts falls like one over the square root of their number, so that it is
    (half width / distance to the nearest border)^2. It is a plan, not a promise: the centre moves, too.

    >>> times_as_many(Estimate(1.0, 0.0, 2.0), (0.5,))
    4.0
    >>> times_as_many(Estimate(1.0, 0.75, 1.25), (0.5,)) is None
    True
    """
    value, low, high = estimate.value, estimate.low, estimate.high
    if value is None or low is None or high is None or not any(low <= border <= high for border in borders):
        return None
    distance = min(abs(value - border) for border in borders)
    return math.inf if distance == 0 else ((high - low) / 2 / distance) ** 2


def _needed(estimate: Estimate, borders: Sequence[float], prompts: int) -> str:
    """Behind "undecided": what would settle it."""
    if estimate.value is None:
        return ""
    if estimate.low is None or estimate.high is None:
        return f" ({estimate.note})" if estimate.note else ""
    factor = times_as_many(estimate, borders)
    if factor is None:
        return ""
    if factor > 1000:
        return f" (more than {1000 * prompts:,} prompts would be needed)"
    return f" (about {math.ceil(factor * prompts / 10) * 10:,} prompts would settle it, with as many strings each)"


def signed(estimate: Estimate) -> str:
    """What an interval says of a sign."""
    if estimate.high is not None and estimate.high < 0:
        return "negative"
    if estimate.low is not None and estimate.low > 0:
        return "positive"
    return "not settled"


def _aligned(found: PairAnalysis | GibbsAnalysis) -> str:
    run = found.run
    if run.aligned is None:
        return f"the prior tilted by {run.reward}, exactly, at beta = {run.beta}"
    return _ALIGNED.get(run.aligned, run.aligned)


def real_models_table(runs: Runs, trainings: Trainings) -> str:
    """A column a run."""
    names = list(runs)
    rows: list[tuple[str, list[str]]] = [
        ("prior", [_SIZES.get(found.run.prior, found.run.prior) for found in runs.values()]),
        ("aligned model p+", [_aligned(found) for found in runs.values()]),
        ("strings; prompts", [f"{f.strings:,}; {len(f.run.prompts)}" for f in runs.values()]),
        ("E L under p+, nats", [interval(_likelihood(found), 1) for found in runs.values()]),
        ("E R under p+, the secret reward, nats", [interval(_secret(found)) for found in runs.values()]),
        ("E r/beta, VADER", [_named(found, "vader") for found in runs.values()]),
        ("E r/beta, valence", [_named(found, "valence") for found in runs.values()]),
        ("b", [interval(_exchange(found), 3) for found in runs.values()]),
        ("does a small global cooling trade?", [_global(found) for found in runs.values()]),
        ("does local cooling from T = 1 trade?", [_local(found) for found in runs.values()]),
        ("Corr(L, R) within prompts", [interval(_correlation(found)) for found in runs.values()]),
        ("Cov(Lbar, Rbar) of mixed corpora", [_mixed(found) for found in runs.values()]),
        ("acceptance, local to global, T = 1/2", [_acceptance(found) for found in runs.values()]),
        ("Corr(R, r) within prompts, r asked for", [_learned(found, trainings) for found in runs.values()]),
        ("slope of R on r/beta", [_slope(found, trainings) for found in runs.values()]),
    ]
    return markdown_table(("", *names), [(name, *cells) for name, cells in rows])


def _likelihood(found: PairAnalysis | GibbsAnalysis) -> Estimate:
    return found.gibbs.mean_log_prior if isinstance(found, GibbsAnalysis) else base_of(found).mean_log_prior


def _secret(found: PairAnalysis | GibbsAnalysis) -> Estimate:
    """E R under p+ is KL(p+ || p); of a Gibbs posterior R is r / beta - log Z, which is not what was stored."""
    return Estimate(None, None, None) if isinstance(found, GibbsAnalysis) else base_of(found).mean_reward


def _named(found: PairAnalysis | GibbsAnalysis, name: str) -> str:
    if isinstance(found, GibbsAnalysis):
        return interval(found.gibbs.mean_reward) if found.run.reward == name else ""
    base = base_of(found)
    if name in base.rewards:
        return interval(base.rewards[name].mean)
    own = base.mean_external_reward
    return "" if own is None or found.run.reward != name else interval(own)


def _exchange(found: PairAnalysis | GibbsAnalysis) -> Estimate:
    if isinstance(found, GibbsAnalysis):
        return found.gibbs.exchange_coefficient
    return base_of(found).exchange_coefficient


def _correlation(found: PairAnalysis | GibbsAnalysis) -> Estimate:
    if isinstance(found, GibbsAnalysis):
        return found.gibbs.within_correlation
    return base_of(found).within_correlation


def _global(found: PairAnalysis | GibbsAnalysis) -> str:
    answer = found.gibbs.trades if isinstance(found, GibbsAnalysis) else found.trades
    if answer != "undecided":
        return answer or "no verdict"
    return answer + _needed(_exchange(found), (-1.0, 0.0), len(found.run.prompts))


def _local(found: PairAnalysis | GibbsAnalysis) -> str:
    if isinstance(found, GibbsAnalysis):
        return ""
    step = next((s for s in found.cooling if not s.behind and s.warm == 1), None)
    if step is None:
        return ""
    moved = f"E L {interval(step.mean_log_prior, 1)}, E R {interval(step.mean_reward)} at T = {step.cool:g}"
    answer = found.trades_locally or "no verdict"
    if answer == "undecided":
        answer += _needed(step.mean_reward, (0.0,), len(found.run.prompts))
    return f"{answer}: {moved}"


def _mixed(found: PairAnalysis | GibbsAnalysis) -> str:
    return "" if isinstance(found, GibbsAnalysis) else turning(found.pooled.crossing)


def _acceptance(found: PairAnalysis | GibbsAnalysis) -> str:
    if isinstance(found, GibbsAnalysis):
        return ""
    half = (("temperature", "1/2"),)
    place = next((k for k, steps in enumerate(found.run.chains) if steps == half), None)
    return "" if place is None else interval(found.settings[place].acceptance)


def _trained(found: PairAnalysis | GibbsAnalysis, trainings: Trainings) -> TrainingRecord | None:
    name = (found.run.aligned or "").removeprefix("adapter:embedded:smollm2-")
    return trainings.get(name)


def _learned(found: PairAnalysis | GibbsAnalysis, trainings: Trainings) -> str:
    if isinstance(found, GibbsAnalysis):
        return "1, by construction"
    record = _trained(found, trainings)
    return "" if record is None else interval(record.held_out.correlation_with_reward)


def _slope(found: PairAnalysis | GibbsAnalysis, trainings: Trainings) -> str:
    if isinstance(found, GibbsAnalysis):
        return "1, by construction"
    record = _trained(found, trainings)
    return "" if record is None else interval(record.held_out.slope_on_reward)


def real_models_section(runs: Runs, trainings: Trainings, results: str) -> str:
    """The section of the front page."""
    shown = {name: found for name, found in runs.items() if not name.endswith("-weak")}
    return (
        "## Real models\n\n"
        "Every string was scored under both models. The answers are about these models, prompts and lengths. "
        "Intervals are 95 % over prompts, by estimators whose coverage was measured. Global cooling is a small step at "
        "T = 1. Columns: "
        + ", ".join(f"[{name}]({results}/{name}.md)" for name in shown)
        + f"; [side by side, with the training of the adapters]({results}/{PAGE}.md).\n\n"
        + real_models_table(shown, trainings)
        + "\n\n"
        + "\n".join(_sentences(shown))
        + "\n\n![the adapters' settings](figures/adapters.png)"
    )


def _sentences(runs: Runs) -> Iterator[str]:
    """Which of the three sentences each run shows."""
    pairs = {name: found for name, found in runs.items() if isinstance(found, PairAnalysis)}
    signs = {name: signed(_correlation(found)) for name, found in runs.items()}
    yield (
        "- Sentence A, a trade-off in corpora of strings of p+: their correlation is Corr(L, R) of the strings. It is "
        + _listed(signs)
        + "."
    )
    gaps = max(own.budget_residual or 0.0 for found in pairs.values() for own in found.settings)
    yield (
        "- Sentence B, the treatment: log p + R + I = 0 for every string by the definition of R, with log Z = 0; in "
        f"the stores log w and log p+ / T differ by at most {gaps:.0e} nats. What follows is proved, not sampled."
    )
    answers = {name: found.trades_locally or "no verdict" for name, found in pairs.items()}
    yield (
        "- Sentence C, the adaptor selects the exchange: whether local cooling exchanges one for the other is "
        + _listed(answers)
        + ". Which setting does what is on the page of each run."
    )


def _listed(answers: Mapping[str, str]) -> str:
    """Answers with the runs that have each: "negative on a and b, positive on c"."""
    by_answer: dict[str, list[str]] = {}
    for name, answer in answers.items():
        by_answer.setdefault(answer, []).append(name)
    return ", ".join(f"{answer} on {_and(names)}" for answer, names in by_answer.items())


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def real_models_page(runs: Runs, trainings: Trainings) -> str:
    """The page with all runs and the records of training."""
    lines = [
        "# Real models, side by side",
        "",
        "p is the prior, p+ the aligned model, R = log p+/p the secret reward, r a reward that was asked for. Every "
        "string was scored under both models. Intervals are 95 % over prompts; [how often they hold the "
        "truth](coverage.md) was measured. Where none does, the number stands with what an interval would need. "
        "Prompts that would settle a question are reckoned from the width of its interval: (half width / distance to "
        "the border)^2 times as many.",
        "",
        real_models_table(runs, trainings),
        "",
        *_sentences(runs),
        "",
        "![the adapters' settings](../../figures/adapters.png)",
        "",
    ]
    if trainings:
        lines += ["## How the adapters were trained", "", *_trainings(trainings)]
    return "\n".join(lines) + "\n"


def _trainings(trainings: Trainings) -> Iterator[str]:
    one = next(iter(trainings.values()))
    yield (
        f"`probqual train --pair smollm2` and `--pair smollm2-valence`: direct preference optimisation of a low-rank "
        f"adapter on {one.base}, in nats, {len(one.history)} steps of {one.pairs} pairs. Both strings of a pair are "
        f"drawn from the prior, of at most {one.length} tokens, and come a second time after step {one.fresh}. "
        f"{_LABELS[one.labels]} A string that was cut counts as the event that a string begins so. "
        f"What follows is of {one.prompts} held-out prompts with {one.strings} strings each."
    )
    yield ""
    columns = [(f"{name}, beta = {record.beta}", record) for name, record in trainings.items()]
    rows: list[tuple[str, list[str]]] = [
        ("accuracy of R", [interval(r.held_out.accuracy, 3) for _, r in columns]),
        ("best accuracy there is, that of r", [interval(r.held_out.best_accuracy, 3) for _, r in columns]),
        ("loss, nats (0.693 before training)", [interval(r.held_out.loss, 3) for _, r in columns]),
        ("least loss there is, that of r/beta", [interval(r.held_out.least_loss, 3) for _, r in columns]),
        ("Corr(R, r) within prompts", [interval(r.held_out.correlation_with_reward, 3) for _, r in columns]),
        ("slope of R on r/beta", [interval(r.held_out.slope_on_reward, 3) for _, r in columns]),
        ("E r under p, reward units", [interval(r.held_out.mean_reward_prior, 3) for _, r in columns]),
        ("E r under p+, reward units", [interval(r.held_out.mean_reward_aligned, 3) for _, r in columns]),
        ("KL(p+ to p) = E R, nats", [interval(r.held_out.kl, 3) for _, r in columns]),
        ("strings that end, under p and p+", [_ended(r.held_out) for _, r in columns]),
    ]
    yield markdown_table(("", *(name for name, _ in columns)), [(name, *cells) for name, cells in rows])
    yield ""
    yield "The loss of the training pairs, in the mean over fifty steps:"
    yield ""
    marks = list(range(50, len(one.history) + 1, 50))
    head = ("reward", *(f"to step {mark}" for mark in marks))
    yield markdown_table(head, [(name, *_fifties(record, marks)) for name, record in trainings.items()])
    yield ""
    yield "![how the adapters were trained](../../figures/training.png)"


def _ended(found: HeldOut) -> str:
    return f"{found.ended_prior:.0%}, {found.ended_aligned:.0%}"


def _fifties(record: TrainingRecord, marks: Sequence[int]) -> list[str]:
    return [f"{sum(step.loss for step in record.history[mark - 50 : mark]) / 50:.3f}" for mark in marks]


__all__ = ["PAGE", "base_of", "real_models_page", "real_models_section", "real_models_table", "signed", "times_as_many"]
