"""The pages on what was sampled: the comparisons with exact values, the planted faults, and the real models."""

from __future__ import annotations

from collections.abc import Iterator

from theory.adaptors.exact import chain
from theory.arithmetic.exact import power_of_ten_above
from theory.report.markdown import markdown_table, shown
from theory.report.records import (
    Estimate,
    GibbsAnalysis,
    PairAnalysis,
    SampledRecord,
    SampledRow,
    SettingEstimates,
    Training,
    TrainingStep,
)


def sampled_page(record: SampledRecord) -> str:
    """What the recorded run, its planted faults, the false alarms and the trained policy say."""
    run, alarms, power = record.comparison, record.alarms, record.alarms.power
    chance = sum(row.alpha > 0 for row in run.rows)
    claims = len({row.claim for row in run.rows})
    false = len(alarms.alarms)
    noticed = sum(fault.differing > 0 for fault in run.faults)
    lines = [
        "# Exact against sampled",
        "",
        f"`probqual compare` repeats the claims by sampling. It makes {len(run.rows)} comparisons of {claims} claims "
        f"at seed {run.seed}, with {run.draws:,} strings or {run.corpora:,} corpora each; {run.differing} differ from "
        f"the exact value. {chance} comparisons involve chance. Their error probabilities sum to {run.spent:.1g}, by "
        "tests that are valid at every sample size. The others compare two ways to score the same strings.",
        "",
        f"False alarms: {false} in {alarms.runs:,} runs with fresh seeds, {alarms.comparisons:,} comparisons "
        f"({alarms.date}). Power at alpha {power.alpha:.0e}: with {power.draws:,} draws, a sampler that is off "
        f"by {power.distance:.0%} in total variation is caught in "
        + ", ".join(f"{count} of {power.runs:,} runs on {size}" for size, count in power.caught.items())
        + " equally likely outcomes.",
        "",
        f"Planted faults: {noticed} of {len(run.faults)} noticed. For each, one procedure is done wrong on purpose.",
        "",
        markdown_table(
            ("fault", "what is done wrong", "rows that differ", "of the claims"),
            [(f.name, f.wrong, str(f.differing), ", ".join(f.claims)) for f in run.faults],
        ),
    ]
    if run.dpo is not None:
        lines += ["", _training(run.dpo)]
    return "\n".join(lines) + "\n"


def _training(training: Training) -> str:
    columns = ("step", "loss", "KL(p+ to pi)", "KL(pi to p+)", "b of pi", "Corr(L, R) of pi")
    return (
        f"A tiny torch policy pi was trained by direct preference optimisation on {training.preferences:,} "
        f"preferences. It comes close to p+ = p e^R / Z, whose b is {shown(training.exchange_coefficient, '+.4f')} and "
        f"whose Corr(L, R) is {shown(training.correlation, '+.4f')}, but does not reach it. By definition pi is the "
        "aligned law of its own secret reward log pi/p, so the claims apply to pi with that reward. The last column "
        "compares dE L/dtau, by finite differences, with -bV.\n\n"
        + markdown_table((*columns, "residual of dE L/dtau = -bV"), [_training_row(one) for one in training.progress])
    )


def _training_row(one: TrainingStep) -> tuple[str, ...]:
    numbers = (one.step, one.loss, one.kl_to_policy, one.kl_to_aligned, one.exchange_coefficient, one.correlation)
    return (*(shown(value, ".4g") for value in numbers), power_of_ten_above(one.slope_residual))


def run_page(name: str, found: PairAnalysis | GibbsAnalysis) -> str:
    """What was sampled from real models in one run."""
    return (_gibbs(name, found) if isinstance(found, GibbsAnalysis) else _pair(name, found)) + "\n"


def _run_head(found: PairAnalysis | GibbsAnalysis) -> str:
    run = found.run
    return (
        f"{found.strings:,} strings, {found.tokens:,} tokens, {len(run.prompts)} prompts, at most "
        f"{run.length} tokens each, on {'a CPU' if found.device == 'cpu' else found.device} in {run.dtype}; run key "
        f"`{found.key[:16]}`. A string cut at that length stands for all strings that begin with it. "
        f"Intervals are {found.level:.0%} over prompts; [how often they hold the truth](coverage.md) was measured. "
        "Where none does, the number stands with the prompts or strings that an interval would need."
    )


def interval(estimate: Estimate, digits: int = 2) -> str:
    """The value with its interval, or with why there is none; nothing for one that does not exist."""
    value, low, high = estimate.value, estimate.low, estimate.high
    if value is None:
        return ""
    if low is None or high is None:
        return f"{value:.{digits}f}" if estimate.note is None else f"{value:.{digits}f} ({estimate.note})"
    return f"{value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


_EXAMPLE = dict.fromkeys(("smollm2-vader", "smollm2-vader-weak", "smollm2-valence"), "smollm2_pair")
"""The run files of runs that do not have its name."""

_FIGURES = {"default": (("pair", "default"), ("pair_corpora", "default, corpora"))}
"""Of runs that are drawn, and what they show."""


def _pair(name: str, found: PairAnalysis) -> str:
    """Two real models: every setting, what cooling did, and what pooling the settings does."""
    chains, settings = found.run.chains, found.settings
    lines = [
        f"# A real pair: {name}",
        "",
        f"The prior is `{found.run.prior}` and the aligned model p+ is `{found.run.aligned}`, sampled token by "
        f"token by `probqual sample examples/{_EXAMPLE.get(name, name)}.toml`: {_run_head(found)} L "
        "and R are conditional on the prompt. R is the secret reward log p+/p, whose log Z is 0. A setting is an "
        "adaptor chain with the temperature first.",
        "",
        *_pair_findings(found, settings[chains.index(())]),
        "",
        *(line for figure, what in _FIGURES.get(name, ()) for line in (f"![{what}](../../figures/{figure}.png)", "")),
        _pair_table(found),
    ]
    return "\n".join(lines)


def _pair_findings(found: PairAnalysis, base: SettingEstimates) -> Iterator[str]:
    pooled = found.pooled
    step = next(s for s in found.cooling if not s.behind and s.warm == 1)
    yield (
        "- On this pair, does a small cooling at T = 1, globally normalised, trade likelihood for reward to first "
        f"order? **{found.trades or 'no verdict'}**: b = {interval(base.exchange_coefficient, 3)}, to be compared with "
        "[-1, 0] (adaptors.exchange)."
    )
    yield (
        f"- Does cooling from T = 1 to {step.cool:g}, normalised token by token, trade in the samples? "
        f"**{found.trades_locally or 'no verdict'}**: E L moves by {interval(step.mean_log_prior)} and E R by "
        f"{interval(step.mean_reward)}. The slope dE R/dE L is {interval(step.slope)}; global temperature would have "
        f"-(1+b)/b = {shown(found.exchange_slope, '.3f')} to first order (adaptors.local-global)."
    )
    open_to = "" if base.identification is None else "({:.2f}, {:.2f})".format(*base.identification)
    yield (
        f"- Under p+ Corr(L, R) is {interval(base.within_correlation)} within prompts and {interval(base.correlation)} "
        f"over all strings (Spearman {interval(base.spearman)}). If the reward is known only up to a function of the "
        f"prompt, the identified interval of Corr(L, R) is {open_to} (prompts.identification)."
    )
    corpora = "; ".join(f"N = {size}: {interval(value)}" for size, value in pooled.corpora.items())
    yield (
        f"- Corpora of N strings, each from one setting, all settings equally often: Cov(Lbar, Rbar) = W/N + B with "
        f"W = {shown(pooled.within_cov, '.2f')} and B = {shown(pooled.between_cov, '.2f')}, "
        f"so it {turning(pooled.crossing)} "
        "(simpson.crossing). "
        f"Corr(Lbar, Rbar): {corpora}. Corr(L, R) over the strings of all settings: {interval(pooled.correlation)}."
    )
    gap = max(own.budget_residual or 0.0 for own in found.settings)
    yield (
        f"- A check of the store: log w and log p+ / T of a string differ by at most {power_of_ten_above(gap)} nats "
        "(adaptors.budget).\n"
        "- Acceptance, in the table, is the rate at which a Metropolis chain with the local law as proposal and the "
        "global one as target accepts, estimated from the strings (metropolis.acceptance)."
    )


def turning(crossing: Estimate | None) -> str:
    """What the set of N* = -W/B says of the sign of W/N + B at N >= 1."""
    if crossing is None or crossing.value is None:
        return "keeps its sign at every N"
    low, high, outside = crossing.low, crossing.high, crossing.outside
    if low is not None and low > 1:
        return f"changes its sign at N* = {interval(crossing, 1)}"
    if high is not None and high <= 1:
        return "keeps its sign at every N"
    known = interval(crossing, 1) if outside is None else f"{crossing.value:.1f} ({crossing.note})"
    return f"changes its sign if N* = -W/B is above 1, which is not settled: {known}"


def _pair_table(found: PairAnalysis) -> str:
    external = any(own.mean_external_reward is not None for own in found.settings)
    head = [
        *("setting", "E L", "E R, secret"),
        *([f"E r{'/beta' if found.reward_in == 'nats' else ''}, {found.run.reward}"] if external else []),
        *("H", "KL to p+", "b", "Corr(L, R) within prompts", "acceptance"),
    ]
    rows = []
    for steps, own in zip(found.run.chains, found.settings, strict=True):
        reward = [] if own.mean_external_reward is None else [interval(own.mean_external_reward)]
        rows.append(
            [
                *(str(chain(*steps)), interval(own.mean_log_prior, 1), interval(own.mean_reward)),
                *reward,
                *(interval(own.entropy, 1), interval(own.kl_to_aligned), interval(own.exchange_coefficient, 3)),
                *(interval(own.within_correlation), interval(own.acceptance)),
            ]
        )
    return markdown_table(head, rows)


def _gibbs(name: str, found: GibbsAnalysis) -> str:
    """A real prior, tilted by a reward."""
    own, run = found.gibbs, found.run
    rows = [
        ("E L under p", interval(own.prior_mean_log_prior)),
        ("E L under p+", interval(own.mean_log_prior)),
        ("E R under p", interval(own.prior_mean_reward, 3)),
        ("E R under p+", interval(own.mean_reward, 3)),
        ("log Z, mean over prompts", interval(own.log_partition, 3)),
        ("b", interval(own.exchange_coefficient, 3)),
        ("Corr(L, R) within prompts", interval(own.within_correlation, 3)),
        ("acceptance of a stationary chain", interval(own.acceptance, 3)),
        ("acceptance of one chain over the strings", interval(own.chain_acceptance, 3)),
        ("effective share of the strings", interval(own.effective_share, 3)),
        ("largest weight seen, over the mean", f"{own.largest_weight_seen:.2f}"),
    ]
    return (
        f"# A real prior, tilted: {name}\n\n"
        f"The prior p is `{run.prior}`. The aligned law p+ is the Gibbs posterior p e^(r/beta) / Z for the reward "
        f"{run.reward} at beta = {run.beta}. By `probqual sample examples/{name}.toml`: {_run_head(found)} Strings are "
        "drawn from the prior. Estimates under p+ weight them by w = e^(r/beta), the weights of independent "
        "Metropolis-Hastings.\n\n"
        f"Does a small cooling at T = 1, globally normalised, trade likelihood for reward here? **{own.trades}** "
        "(adaptors.exchange, metropolis.acceptance).\n\n" + markdown_table(("quantity", "estimate"), rows)
    )


def sampled_line(row: SampledRow) -> str:
    """One comparison, as a claim's page shows it."""
    if row.alpha == 0:
        gap = "without bound" if row.estimate is None else f"at most {power_of_ten_above(row.estimate)}"
        return f"- Sampled: {row.what} {gap} on {row.draws:,} strings: **{row.verdict}**."
    found = "no value" if row.estimate is None else f"{row.estimate:.5f}"
    between = "" if row.low is None or row.high is None else f" in [{row.low:.5f}, {row.high:.5f}]"
    exact = shown(row.exact, ".5f")
    return f"- Sampled: {row.what} is {exact}; {found} by {row.draws:,} draws{between}: **{row.verdict}**."


__all__ = ["interval", "run_page", "sampled_line", "sampled_page", "turning"]
