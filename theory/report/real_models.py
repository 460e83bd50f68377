"""The real models side by side: what each pair shows of the paper's three sentences, and what is not settled."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from theory.arithmetic.exact import power_of_ten_above
from theory.report.markdown import markdown_table
from theory.report.records import Estimate, GibbsAnalysis, PairAnalysis, SettingEstimates, TrainingRecord
from theory.report.samples import interval, turning
from theory.report.settling import EXCHANGE, apart, settled_by
from theory.report.trained import Trainings, trained

Runs = Mapping[str, PairAnalysis | GibbsAnalysis]

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
    names = [f"[{name}]({name}.md)" for name in runs]

    def row(name: str, cell: Callable[[PairAnalysis | GibbsAnalysis], str], otherwise: str = "") -> tuple[str, ...]:
        return (name, *(cell(found) or otherwise for found in runs.values()))

    rows = [
        row("prior p", lambda found: _SIZES.get(found.run.prior, found.run.prior)),
        row("aligned model p+", _aligned),
        row("strings in all; from p+ itself; prompts", _counts),
        row("longest string, tokens; share that ended by itself", _lengths),
        row("E L under p+, nats", lambda found: interval(_likelihood(found), 1)),
        row("E R under p+ = KL(p+ to p), nats", _secret),
        row("E r/beta under p+, VADER", lambda found: _named(found, "vader"), "not scored"),
        row("E r/beta under p+, valence", lambda found: _named(found, "valence"), "not scored"),
        row("b", lambda found: interval(_exchange(found), 3)),
        row("does a small global cooling trade?", _global),
        row("by how much: |dE R/dE L| is at most", _size),
        row("local cooling from T = 1: does it trade L for R?", _local, "not sampled"),
        row("the same step: L for the r that was asked for?", _local_asked, "not recorded"),
        row("Corr(L, R) within prompts", lambda found: interval(_correlation(found))),
        row("sign of Cov(Lbar, Rbar), corpora of N strings from all settings", _mixed, "one setting"),
        row("acceptance, local to global, T = 1/2", _acceptance, "no estimate"),
        row("Corr(R, r) within prompts", lambda found: _learned(found, trainings), "not measured"),
        row("slope of R on r/beta within prompts", lambda found: _slope(found, trainings), "not measured"),
    ]
    return markdown_table(("", *names), rows)


def _counts(found: PairAnalysis | GibbsAnalysis) -> str:
    own = 0 if isinstance(found, GibbsAnalysis) else base_of(found).strings
    return f"{found.strings:,}; {f'{own:,}' if own else 'none'}; {len(found.run.prompts)}"


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
    return "no bound" if most is None else f"{most:.3f}"


def _likelihood(found: PairAnalysis | GibbsAnalysis) -> Estimate:
    return found.gibbs.mean_log_prior if isinstance(found, GibbsAnalysis) else base_of(found).mean_log_prior


def _secret(found: PairAnalysis | GibbsAnalysis) -> str:
    """E R under p+, which is KL(p+ || p); of a Gibbs posterior R is r / beta - log Z, whose two means are known."""
    if isinstance(found, PairAnalysis):
        return interval(base_of(found).mean_reward)
    reward, log_z = found.gibbs.mean_reward.value, found.gibbs.log_partition.value
    return "" if reward is None or log_z is None else f"{reward - log_z:.2f} (E r/beta - log Z, no interval)"


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


_READING = (
    "L is log p of a string. R = log p+ - log p is its *secret reward*: the reward, in nats, for which p+ is the "
    "aligned law of p. r is the reward that was asked for, VADER's score or the summed valence of the words, and "
    "r/beta is r in nats: beta is 1/4 for VADER, 3/2 for valence, and 1/2 in the column smollm2.",
    "Intervals are 95 % over prompts; [how often they hold the truth](coverage.md) was measured. A number without an "
    "interval comes with the reason, and with what an interval would need.",
    "Most strings reached the longest length and were cut. A cut string stands for the event that a string begins so, "
    "and b, KL and the correlations are those of beginnings. KL of whole strings is at least as large.",
    "b = Cov(L, I)/Var I with I = -log p+. A small global cooling at T = 1 moves E R by -(1 + b)/b nats for each nat "
    "of E L. It trades, raising one mean and lowering the other, iff b lies outside [-1, 0].",
    "*Undecided* means that an interval holds the border. Beside it stands how many prompts would settle it, as many "
    "strings each as now: (half the interval / distance to the border)^2 times those of the run. This supposes that "
    "the estimate stays where it is, which nobody can promise.",
    "In the column smollm2 nothing was trained: p+ is p e^(r/beta)/Z by definition, and strings of p are weighted. Its "
    "strings are shorter than those of the other columns, so that E L does not compare. E r/beta is R + log Z and does "
    "not compare with E R. Corr(R, r) is of strings of p, after the prompts that training did not see.",
)
"""How the table is read, a line each."""

_CAPTION = (
    "*Columns: the three adapters. Upper row: mean log-likelihood under the prior against the mean secret reward; "
    "lower row: against the reward that was asked for. The star is p+ itself, the line joins the temperatures, the "
    "other marks are truncations. Bars are 95 % intervals over prompts. A trade of reward for likelihood would run "
    "from the star to the lower right.*"
)


def real_models_section(runs: Runs, results: str) -> str:
    """The section of the front page: a line a run, and the three sentences."""
    rows = []
    for name, found in runs.items():
        prior = _SIZES.get(found.run.prior, found.run.prior)
        local = "not sampled" if isinstance(found, GibbsAnalysis) else locally(found)
        answer = found.gibbs.trades if isinstance(found, GibbsAnalysis) else found.trades
        numbers = (interval(_exchange(found), 3), interval(_correlation(found)))
        rows.append((f"[{name}]({results}/{name}.md)", f"{prior}: {_aligned(found)}", *numbers, answer or "", local))
    head = (
        "run",
        "prior: aligned model",
        "b",
        "Corr(L, R)",
        "does a small global cooling trade?",
        "does local cooling from T = 1 trade?",
    )
    parts = [
        "## Real models",
        "Strings of real models, scored under the prior p and the aligned model p+. Here R = log p+ - log p is the "
        "secret reward, for which log Z = 0, and b = Cov(L, I)/V: a small global cooling trades iff b lies outside "
        "[-1, 0]. Intervals are 95 % over prompts; *undecided* means that one holds the border. [Side by side]"
        f"({results}/{PAGE}.md) has more, with what would settle an open question.",
        markdown_table(head, rows),
        "\n".join(_sentences(runs)),
    ]
    return "\n\n".join(part for part in parts if part)


def _sentences(runs: Runs) -> Iterator[str]:
    """Which of the three sentences each run shows."""
    pairs = {name: found for name, found in runs.items() if isinstance(found, PairAnalysis)}
    if not pairs:
        return
    signs = {name: signed(_correlation(found)) for name, found in runs.items()}
    yield (
        "- Sentence A, a trade-off in corpora of p+: corpora of independent strings have the Corr(L, R) of single "
        f"strings. It is {_listed(signs)}. Where it is negative the pair shows the trade-off; where it is not settled "
        "nothing is shown."
    )
    gaps = max(own.budget_residual or 0.0 for found in pairs.values() for own in found.settings)
    yield (
        "- Sentence B, the formal treatment: L + R = -I holds by the definition of R, so no pair can test it. As a "
        "check of the stored numbers, the log-weights of the temperatures and log p+ / T differ by at most "
        f"{power_of_ten_above(gaps)} nats a string."
    )
    answers = {name: locally(found) for name, found in pairs.items()}
    small = {name: found.trades or "no verdict" for name, found in pairs.items()}
    shown = [name for name in pairs if "yes" in (answers[name], small[name])]
    yield (
        "- Sentence C, the adaptor selects the exchange: does a small global cooling trade L for R? "
        f"{_listed(small).capitalize()}. Does local cooling from T = 1 to the next temperature that was sampled? "
        f"{_listed(answers).capitalize()}. "
        + (f"So an exchange is shown on {_and(shown)}" if shown else "So no exchange is shown")
        + " by these two."
    )


_WEAK, _STRONG = "smollm2-vader-weak", "smollm2-vader"


def _strength(pairs: Mapping[str, PairAnalysis]) -> Iterator[str]:
    """What more training towards one reward did, at p+ and at the hottest temperature."""
    if _WEAK not in pairs or _STRONG not in pairs:
        return
    weak, strong = pairs[_WEAK], pairs[_STRONG]
    one, two, parts = base_of(weak), base_of(strong), []
    for words, few, many in (
        ("E L", one.mean_log_prior, two.mean_log_prior),
        ("KL = E R", one.mean_reward, two.mean_reward),
        ("E r/beta", one.rewards["vader"].mean, two.rewards["vader"].mean),
    ):
        told = "" if apart(few, many) else ", not told apart"
        parts.append(f"{words} is {interval(few)} and {interval(many)}{told}")
    hot = (("temperature", "5/4"),)
    few, many = (found.settings[found.run.chains.index(hot)].mean_reward for found in (weak, strong))
    yield (
        "- Strength (alignment.strength): along p e^(lambda r)/Z a larger lambda raises E r and KL, and E L may "
        "rise, fall or turn. The adapter towards VADER "
        f"after 100 and after 400 steps, under p+: {'; '.join(parts)}. Local T = 5/4: E R is {interval(few)} and "
        f"{interval(many)}{', which differ' if apart(few, many) else ', not told apart'}. Two numbers are told apart "
        "here where their intervals do not meet."
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
        "The paper speaks of a prior p and a model p+ that was aligned from it. Here are such pairs: "
        "[default](default.md) is tiny, the next three are adapters on SmolLM2-135M-Instruct that "
        "`probqual train` made, and [smollm2](smollm2.md) is the same prior tilted by a reward.",
        "",
        *(f"- {line}" for line in _READING),
        "",
        real_models_table(runs, trainings),
        "",
        *_sentences(runs),
        *_strength({name: found for name, found in runs.items() if isinstance(found, PairAnalysis)}),
        "",
        "![the adapters' settings](../../figures/adapters.png)",
        "",
        _CAPTION if trainings else "",
        "",
    ]
    if trainings:
        lines += ["## How the adapters were trained", "", *trained(trainings)]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"


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
