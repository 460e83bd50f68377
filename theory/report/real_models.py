"""The real models side by side: what each pair shows of the paper's three sentences, and what is not settled."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence

from theory.arithmetic.exact import power_of_ten_above
from theory.report.markdown import markdown_table
from theory.report.records import Estimate, GibbsAnalysis, HeldOut, PairAnalysis, SettingEstimates, TrainingRecord
from theory.report.samples import interval, turning
from theory.report.settling import EXCHANGE, settled_by

Runs = Mapping[str, PairAnalysis | GibbsAnalysis]
Trainings = Mapping[str, TrainingRecord]

PAGE = "real-models"

_ALIGNED = {
    "embedded:aligned": "DPO towards VADER, all weights",
    "adapter:embedded:smollm2-vader": "an adapter, DPO towards VADER",
    "adapter:embedded:smollm2-vader-weak": "the same adapter, early",
    "adapter:embedded:smollm2-valence": "an adapter, DPO towards the valence of words",
}

_ASKED = {
    "adapter:embedded:smollm2-vader": "vader",
    "adapter:embedded:smollm2-vader-weak": "vader",
    "adapter:embedded:smollm2-valence": "valence",
}

_LABELS = {
    "expected": "The loss is the expectation over the Bradley-Terry law of the stated reward of the completion.",
    "drawn": "Which is preferred is drawn from the Bradley-Terry law of the stated reward of the completion.",
}

_SIZES = {"embedded:prior": "0.9 M parameters", "embedded:smollm2": "135 M parameters"}


def base_of(found: PairAnalysis) -> SettingEstimates:
    """The setting without an adaptor: p+ itself."""
    return found.settings[found.run.chains.index(())]


def _open(needed: str) -> str:
    """The verdict "undecided", with what would settle it."""
    return f"undecided: {needed}" if needed else "undecided"


def _rises(estimate: Estimate, digits: int = 2) -> str:
    """A change with its sign: "+0.21 [0.14, 0.28]"."""
    return ("+" if (estimate.value or 0.0) > 0 else "") + interval(estimate, digits)


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
        ("strings; of them from p+; prompts", [_counts(found) for found in runs.values()]),
        ("tokens at most; strings that ended", [_lengths(found) for found in runs.values()]),
        ("E L under p+, nats", [interval(_likelihood(found), 1) for found in runs.values()]),
        ("E R under p+ = KL(p+ to p), nats", [interval(_secret(found)) for found in runs.values()]),
        ("E r/beta under p+, VADER (beta 1/4; smollm2 1/2)", [_named(found, "vader") for found in runs.values()]),
        ("E r/beta under p+, valence (beta 3/2)", [_named(found, "valence") for found in runs.values()]),
        ("b", [interval(_exchange(found), 3) for found in runs.values()]),
        ("does a small global cooling trade?", [_global(found) for found in runs.values()]),
        ("most that E R moves for a nat of E L, by it", [_size(found) for found in runs.values()]),
        ("does local cooling from T = 1 trade L for R?", [_local(found) for found in runs.values()]),
        ("and L for the reward that was asked for?", [_local_asked(found) for found in runs.values()]),
        ("Corr(L, R) within prompts", [interval(_correlation(found)) for found in runs.values()]),
        ("Cov(Lbar, Rbar) of corpora mixed from the settings", [_mixed(found) for found in runs.values()]),
        ("acceptance, local to global, T = 1/2", [_acceptance(found) for found in runs.values()]),
        ("Corr(R, r) within prompts, r asked for", [_learned(found, trainings) for found in runs.values()]),
        ("slope of R on r/beta", [_slope(found, trainings) for found in runs.values()]),
    ]
    return markdown_table(("", *names), [(name, *cells) for name, cells in rows])


def _counts(found: PairAnalysis | GibbsAnalysis) -> str:
    own = 0 if isinstance(found, GibbsAnalysis) else base_of(found).strings
    return f"{found.strings:,}; {own:,}; {len(found.run.prompts)}"


def _lengths(found: PairAnalysis | GibbsAnalysis) -> str:
    ended = found.gibbs.ended if isinstance(found, GibbsAnalysis) else base_of(found).ended
    return f"{found.run.length}; {ended:.0%}"


def slope_bound(b: Estimate) -> float | None:
    """The largest |dE R/dE L| = |(1 + b)/b| of global temperature over an interval of b that does not hold 0.

    >>> slope_bound(Estimate(-0.75, -1.0, -0.5))
    1.0
    """
    if b.low is None or b.high is None or b.low <= 0 <= b.high:
        return None
    return max(abs((1 + end) / end) for end in (b.low, b.high))


def _size(found: PairAnalysis | GibbsAnalysis) -> str:
    most = slope_bound(_exchange(found))
    return "" if most is None else f"{most:.3f} nats"


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
    return _open(settled_by(found, _exchange(found), borders=EXCHANGE))


def _local(found: PairAnalysis | GibbsAnalysis) -> str:
    if isinstance(found, GibbsAnalysis):
        return ""
    step = next((s for s in found.cooling if not s.behind and s.warm == 1), None)
    if step is None:
        return ""
    likelihood, reward = _rises(step.mean_log_prior, 1), _rises(step.mean_reward)
    moved = f"at T = {step.cool:g} E L {likelihood}, E R {reward}"
    answer = locally(found)
    if answer == "undecided":
        answer = _open(settled_by(found, step.mean_log_prior, step.mean_reward))
    return f"{answer}; {moved}"


def _local_asked(found: PairAnalysis | GibbsAnalysis) -> str:
    """The same step, and the reward that the adapter was trained towards."""
    name = "" if found.run.aligned is None else _ASKED.get(found.run.aligned, "")
    if isinstance(found, GibbsAnalysis) or not name:
        return ""
    step = next((s for s in found.cooling if not s.behind and s.warm == 1), None)
    if step is None or name not in step.rewards:
        return ""
    own = step.rewards[name]
    answer = "no, both rise" if own.trades == "no" and _up(step.mean_log_prior) and _up(own.mean) else own.trades
    if answer == "undecided":
        answer = _open(settled_by(found, step.mean_log_prior, own.mean))
    return f"{answer}; E r/beta {_rises(own.mean)}"


def _up(estimate: Estimate) -> bool:
    return estimate.low is not None and estimate.low > 0


def locally(found: PairAnalysis) -> str:
    """Whether local cooling from T = 1 trades, and where it does not, that both rise."""
    step = next((s for s in found.cooling if not s.behind and s.warm == 1), None)
    answer = found.trades_locally or "no verdict"
    if step is None or answer != "no":
        return answer
    return "no, both rise" if _up(step.mean_log_prior) and _up(step.mean_reward) else answer


def _mixed(found: PairAnalysis | GibbsAnalysis) -> str:
    if isinstance(found, GibbsAnalysis):
        return ""
    pooled = found.pooled
    words = turning(pooled.crossing)
    if words != "keeps its sign at every N" or pooled.within_cov is None or pooled.between_cov is None:
        return words
    total = pooled.within_cov + pooled.between_cov
    return f"{'positive' if total > 0 else 'negative'} at every N"


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


_CUT = (
    "A string that was cut at the length limit counts as the event that a string begins so: where few ended, b, KL and "
    "the correlations are those of the law of beginnings, and KL of whole strings is at least as large."
)


def real_models_section(runs: Runs, trainings: Trainings, results: str) -> str:
    """The section of the front page: a line a run, the three sentences, and a figure."""
    rows = []
    for name, found in runs.items():
        prior = _SIZES.get(found.run.prior, found.run.prior)
        local = "" if isinstance(found, GibbsAnalysis) else locally(found)
        answer = found.gibbs.trades if isinstance(found, GibbsAnalysis) else found.trades
        numbers = (interval(_exchange(found), 3), interval(_correlation(found)))
        rows.append((f"[{name}]({results}/{name}.md)", f"{prior}: {_aligned(found)}", *numbers, answer or "", local))
    head = (
        "run",
        "prior: aligned model",
        "b",
        "Corr(L, R)",
        "does a small global cooling trade?",
        "local, a step from T = 1?",
    )
    parts = [
        "## Real models",
        "Strings scored under both models; intervals are 95 % over prompts. [Side by side]"
        f"({results}/{PAGE}.md) has more, with what is cut, what would settle an open question, and how the adapters "
        "were trained.",
        markdown_table(head, rows),
        "\n".join(_sentences(runs)),
        "![the adapters' settings](figures/adapters.png)" if trainings else "",
    ]
    return "\n\n".join(part for part in parts if part)


def _sentences(runs: Runs) -> Iterator[str]:
    """Which of the three sentences each run shows."""
    pairs = {name: found for name, found in runs.items() if isinstance(found, PairAnalysis)}
    if not pairs:
        return
    signs = {name: signed(_correlation(found)) for name, found in runs.items()}
    yield (
        "- Sentence A, a trade-off in corpora of p+ (Corr): corpora of independent strings have the correlation of "
        f"single strings. It is {_listed(signs)}. Where it is not settled, neither a trade-off nor its absence is "
        f"shown."
    )
    gaps = max(own.budget_residual or 0.0 for found in pairs.values() for own in found.settings)
    yield (
        "- Sentence B, the treatment: L + R + I = 0 for every string, I = -log p+, is an identity, so no pair "
        "can test it. What follows from it is proved. The stored numbers agree: the adaptors' log-weights and "
        f"log p+ / T differ by at most {power_of_ten_above(gaps)} nats a string."
    )
    answers = {name: locally(found) for name, found in pairs.items()}
    yield (
        "- Sentence C, the adaptor selects the exchange (rows on cooling, and Cov for mixtures of adaptors): "
        "does local "
        f"cooling from T = 1 to the next temperature exchange L for R? {_listed(answers).capitalize()}. Other "
        f"steps and "
        "settings are on the page of each run."
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
        f"truth](coverage.md) was measured. Where none does, the number stands with what an interval would need. "
        f"{_CUT} "
        "Global cooling is a small step at T = 1; it trades, raising one mean and lowering the other, iff b = "
        "Cov(L, I)/Var I lies outside [-1, 0], and moves E R by -(1 + b)/b for a nat of E L. Prompts that an open "
        "question needs are reckoned from the width of its interval, (half width / distance to the border)^2 times as "
        "many, with as many strings each: a plan, since the centre moves, too. The column smollm2 was not trained: its "
        "strings are the prior's, reweighted, and shorter. E r/beta has no log Z taken off, so that it does not "
        "compare "
        "with E R.",
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
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"


def _trainings(trainings: Trainings) -> Iterator[str]:
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
        ("how often r itself does, the best there is", [interval(r.held_out.best_accuracy, 3) for _, r in columns]),
        ("loss, nats (0.693 before training)", [interval(r.held_out.loss, 3) for _, r in columns]),
        ("least loss there is, that of r/beta", [interval(r.held_out.least_loss, 3) for _, r in columns]),
        ("Corr(R, r) within prompts", [interval(r.held_out.correlation_with_reward, 3) for _, r in columns]),
        ("slope of R on r/beta", [interval(r.held_out.slope_on_reward, 3) for _, r in columns]),
        ("E r under p, reward units", [interval(r.held_out.mean_reward_prior, 3) for _, r in columns]),
        ("E r under p+, reward units", [interval(r.held_out.mean_reward_aligned, 3) for _, r in columns]),
        ("KL(p+ to p) of beginnings = E R, nats", [interval(r.held_out.kl, 3) for _, r in columns]),
        ("strings that end, under p and p+", [_ended(r.held_out) for _, r in columns]),
    ]
    yield markdown_table(("", *(name for name, _ in columns)), [(name, *cells) for name, cells in rows])
    yield ""
    yield (
        "R is near r/beta where the correlation and the slope are 1: that is the minimum of the loss. "
        + " ".join(_saved(name, record) for name, record in trainings.items())
        + " The means of r under p and under p+ come from different strings, and their difference is not tested here."
    )
    yield ""
    yield (
        f"The loss of the training pairs, in the mean over fifty steps. Up to step {one.fresh} each pair is new "
        f"when it "
        "is scored. After it pairs are seen again, and what the loss falls below that of the held-out prompts is "
        "memory "
        "of them:"
    )
    yield ""
    marks = list(range(50, len(one.history) + 1, 50))
    head = ("reward", *(f"to step {mark}" for mark in marks))
    yield markdown_table(head, [(name, *_fifties(record, marks)) for name, record in trainings.items()])
    yield ""
    yield "![how the adapters were trained](../../figures/training.png)"


def _saved(name: str, record: TrainingRecord) -> str:
    loss, least = record.held_out.loss.value, record.held_out.least_loss.value
    assert loss is not None, "held-out prompts have strings"
    assert least is not None, "held-out prompts have strings"
    return (
        f"Towards {name} training saved {math.log(2) - loss:.2f} of the {math.log(2) - least:.2f} nats that the "
        f"best law saves."
    )


def _ended(found: HeldOut) -> str:
    return f"{found.ended_prior:.0%}, {found.ended_aligned:.0%}"


def _fifties(record: TrainingRecord, marks: Sequence[int]) -> list[str]:
    return [f"{sum(step.loss for step in record.history[mark - 50 : mark]) / 50:.3f}" for mark in marks]


__all__ = [
    "PAGE",
    "base_of",
    "locally",
    "real_models_page",
    "real_models_section",
    "real_models_table",
    "signed",
    "slope_bound",
]
