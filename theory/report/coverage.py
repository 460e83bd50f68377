"""The page on intervals: how often those that ``probqual analyse`` prints hold the truth, from the committed record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from theory.report.markdown import markdown_table
from theory.report.records import CoverageRecord, Covered, CoveredDesign

AIM = (0.93, 0.975)
"""Where the coverage of a 95 % interval should lie."""

ENOUGH = 100
"""Runs that print an interval, from which its coverage says something."""

WORDS = {
    "mean_log_prior": "E L",
    "mean_reward": "E R, secret",
    "entropy": "H",
    "kl_to_aligned": "KL to p+",
    "exchange_coefficient": "b",
    "within_correlation": "Corr(L, R) within prompts",
    "correlation": "Corr(L, R)",
    "spearman": "Corr(L, R), Spearman",
    "acceptance": "acceptance",
    "mean_external_reward": "E r of the run's reward",
    "slope": "dE R / dE L",
    "crossing": "N* = -W / B",
    "prior_mean_log_prior": "E L under p",
    "prior_mean_reward": "E R under p",
    "log_partition": "log Z",
    "chain_acceptance": "acceptance of one chain",
    "effective_share": "effective share",
}

REWARD_WORDS = {"mean": "E r, a named reward", "correlation": "Corr(L, r) within prompts", "slope": "dE r / dE L"}


def coverage_page(record: CoverageRecord) -> str:
    """What was simulated, a table a design, and what the tables come to."""
    lines = [
        "# How often intervals hold the truth",
        "",
        f"`make coverage` ({record.date}): {record.runs:,} simulated runs of each of {len(record.designs)} designs, "
        f"seed {record.seed}. A run draws prompts from a population of 400, each with its own pair of models on trees "
        "of four tokens and three steps, and then strings by every setting, as `probqual sample` does. The truth is a "
        "sum over every prompt and string. The analysis is the code of `probqual analyse`.",
        "",
        *_told(record),
        "",
        "A cell is the share of the printed 95 % intervals that hold the truth, in %. In brackets: the share of the "
        "runs that printed one, if not all did. *none*: no run did, and the number stands with the note *too few "
        "prompts* or *too few strings*. A ratio whose denominator may be 0 has a set that is no interval; it is said "
        "in words and counted like the others. *Exact*: the number is known without sampling, as an acceptance of 1.",
    ]
    for design in record.designs:
        lines += ["", *_section(record, design)]
    return "\n".join(lines) + "\n"


def _told(record: CoverageRecord) -> Iterator[str]:
    shares = [
        (share, design, one)
        for design in record.designs
        for one in design.intervals
        if (share := _share(record, one)) is not None
    ]
    inside = sum(AIM[0] <= share <= AIM[1] for share, *_ in shares)
    low = [entry for entry in shares if entry[0] < AIM[0]]
    high = [entry for entry in shares if entry[0] > AIM[1]]
    noise = 100 * 2 * (0.95 * 0.05 / record.runs) ** 0.5
    yield (
        f"- {len(shares)} intervals, each of one number, setting and design, were printed in at least {ENOUGH} runs "
        f"and are not known exactly. {inside} hold the truth in {AIM[0]:.0%} to {AIM[1]:.1%} of them, {len(low)} less "
        f"often and {len(high)} more often. A share of {record.runs:,} runs is known to about {noise:.1f} %."
    )
    for words, entries, worst in (("Least", low, min), ("Most", high, max)):
        if entries:
            share, design, one = worst(entries, key=lambda entry: entry[0])
            yield f"- {words} often: {share:.1%}, {_name(one.place)} of the design *{design.name}*."
    wrong = [
        ((one.printed - one.held) / record.runs, design, one)
        for design in record.designs
        for one in design.intervals
        if one.place.endswith("trades")
    ]
    share, design, one = max(wrong, key=lambda entry: entry[0])
    yield (
        f"- Verdicts: of {len(wrong)} answers to whether cooling trades, the one that is most often wrong is wrong in "
        f"{share:.1%} of the runs ({_name(one.place)} of *{design.name}*); the others are *undecided* or right."
    )


def _share(record: CoverageRecord, one: Covered) -> float | None:
    if one.place.endswith("trades") or one.printed < ENOUGH or _exact(record, one):
        return None
    return one.held / one.printed


def _exact(record: CoverageRecord, one: Covered) -> bool:
    place = one.place in ("settings.0.acceptance", "settings.0.kl_to_aligned")
    return place and one.held == one.printed == record.runs


def _name(place: str) -> str:
    part = place.split(".")[0]
    return {"cooling": "cooling step, ", "pooled": "all settings, "}.get(part, "") + _label(place)


def _label(place: str) -> str:
    *before, last = place.split(".")
    if "corpora" in before:
        return f"Corr of corpora, N = {last}"
    if last == "trades":
        return "verdict"
    return REWARD_WORDS[last] if "rewards" in before else WORDS[last]


def _section(record: CoverageRecord, design: CoveredDesign) -> Iterator[str]:
    strings = f"{design.prompts} prompts, {design.strings} strings" + ("" if design.gibbs else " a setting")
    yield f"## {design.name[0].upper()}{design.name[1:]}: {strings}"
    yield ""
    if design.gibbs:
        yield f"The prior tilted by a reward with a standard deviation of {design.reward:g} nats."
        yield ""
        yield markdown_table(("number", "coverage"), [(_name(i.place), _cell(record, i)) for i in design.intervals])
        return
    yield f"The reward of a string has a standard deviation of {design.reward:g} nats."
    yield ""
    yield markdown_table(("number", *(f"`{name}`" for name in design.settings)), _rows(record, design, "settings"))
    yield ""
    steps = _rows(record, design, "cooling")
    yield markdown_table(("cooling", "3/2 to 1", "1 to the cold one", "behind nucleus"), steps)
    yield ""
    pooled = [(_name(i.place), _cell(record, i)) for i in design.intervals if i.place.startswith("pooled")]
    yield markdown_table(("all settings", "coverage"), pooled)


def _rows(record: CoverageRecord, design: CoveredDesign, part: str) -> Sequence[tuple[str, ...]]:
    own = [i for i in design.intervals if i.place.startswith(part + ".")]
    numbers = dict.fromkeys(i.place.split(".", 2)[2] for i in own)
    return [
        (_label(f"{part}.0.{number}"), *(_cell(record, i) for i in own if i.place.split(".", 2)[2] == number))
        for number in numbers
    ]


def _cell(record: CoverageRecord, one: Covered) -> str:
    if one.place.endswith("trades"):
        return f"{(one.printed - one.held) / record.runs:.1%} wrong, {1 - one.printed / record.runs:.0%} undecided"
    if one.printed == 0:
        return "none"
    if _exact(record, one):
        return "exact"
    share = f"{100 * one.held / one.printed:.1f}"
    return share if one.printed == record.runs else f"{share} ({one.printed / record.runs:.1%})"


__all__ = ["coverage_page"]
