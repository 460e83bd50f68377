"""The pages on models looked at closely: the toy, the words and the letter trigrams of the speeches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from theory.arithmetic.exact import power_of_ten_above
from theory.claims.correlation.models import PUBLISHED
from theory.report.markdown import markdown_table
from theory.report.studies import TRIGRAM_TEMPERATURES, ToyStudy, TrigramStudy, WordsStudy


def toy_section(toy: ToyStudy) -> str:
    """The toy, beside the numbers that the published notebook prints."""
    rows = [
        ("entropy of p+", f"{toy.entropy:.10f}", f"{PUBLISHED['entropy']}", "agrees"),
        ("entropy of p", f"{toy.prior_entropy:.10f}", f"{PUBLISHED['prior_entropy']}", "agrees"),
        ("Pearson over strings, each counted once", f"{toy.unweighted_pearson:+.6f}", "+0.49", "agrees"),
        ("Spearman over strings, each counted once", f"{toy.unweighted_spearman:+.6f}", "+0.43", "agrees"),
        ("Pearson over strings under p+", f"{toy.pearson:+.6f}", "", "the law that corpora are drawn from; other sign"),
        ("varentropy V", f"{toy.varentropy:.6f}", "", ""),
        ("exchange coefficient b", f"{toy.exchange_coefficient:+.6f}", "", "inside [-1, 0]: cooling raises both"),
        (
            "P(typical), N = 100,000, eps = 0.001",
            f"{toy.typical_probability:.10f}",
            "213/1000",
            f"a count of 1,000 draws; its standard error is {_standard_error(toy):.3f}",
        ),
        ("correlation of corpora", f"{toy.pearson:+.6f}", "", "all corpora, at every N"),
        (
            "correlation of corpora given typical",
            f"{toy.conditional_correlation:+.9f}",
            "-0.92",
            "the published one is after an equal-count re-binning along L",
        ),
        ("the same, large-N limit", f"{toy.conditional_limit:+.9f}", "", "c = eps sqrt N kept"),
        (
            "the same, L re-binned to equal counts",
            f"{toy.rebinned_correlation:+.2f}",
            "-0.92",
            "a normal pair whose L is made uniform over the range of 213 corpora",
        ),
    ]
    table = markdown_table(("quantity", "exact", "published", "remark"), rows)
    return (
        "## The paper's toy\n\n"
        f"{table}\n\n"
        "The exact column is rounded to the digits shown; P(typical) is by inversion, with an estimated error below "
        f"{power_of_ten_above(toy.typical_error)}. Re-binning to equal counts along L makes L uniform over its range, "
        "and so stretches the cloud along the line."
    )


def _standard_error(toy: ToyStudy) -> float:
    p = toy.typical_probability
    return float((p * (1 - p) / PUBLISHED["corpora"]) ** 0.5)


def words_page(words: Sequence[WordsStudy], trigrams: Sequence[TrigramStudy]) -> str:
    """The words of the speeches at each beta, and their letter trigrams."""
    return f"{_words(words)}\n\n{_trigrams(trigrams)}\n"


def _words(studies: Sequence[WordsStudy]) -> str:
    lines = [
        "# Real words",
        "",
        f"The {studies[0].strings:,} words of the State of the Union speeches as strings of letters: prior = relative "
        "frequency, reward = VADER valence, adaptors act on the exact next-letter laws of p+. Beside each adaptor "
        "stands "
        "what it does to (E L, E R) against p+, decided by balls.",
        "",
        *_words_summary(studies),
        "",
        _words_moments(studies),
    ]
    for study in studies:
        lines += ["", f"## Words at beta = {study.beta}", "", _words_table(study), "", _carriers(study)]
    return "\n".join(lines)


def _words_summary(studies: Sequence[WordsStudy]) -> Iterator[str]:
    for study in studies:
        b = study.moments["exchange_coefficient"]
        where = "outside" if study.trades_off else "inside"
        turns = "; ".join(
            f"below T = {t.temperature:.4f} {t.quantity} {t.change} on further cooling" for t in study.turns
        )
        trading = [f"{row.normalise} {row.adaptor}" for row in study.rows if row.verdict.startswith("trades")]
        yield (
            f"- beta = {study.beta}: b = {b:+.6f}, {where} [-1, 0], so cooling at T = 1 "
            f"{'trades one for the other' if study.trades_off else 'moves both the same way'}. Along global "
            f"temperature "
            f"(T from 0.2 to 5): {turns or 'no change of sign'}. Trading against p+: "
            f"{', '.join(trading) or 'none of them'}."
        )


def _words_moments(studies: Sequence[WordsStudy]) -> str:
    keys = list(studies[0].moments)
    rows = [(f"beta = {s.beta}", *(f"{s.moments[key]:.6f}" for key in keys)) for s in studies]
    return markdown_table(("", *(key.replace("_", " ") for key in keys)), rows)


def _words_table(study: WordsStudy) -> str:
    p = study.moments
    rows = [("p+ itself", "", *(f"{p[k]:.4f}" for k in ("mean_log_prior", "mean_reward", "entropy")), "0", "")]
    rows += [
        (
            row.adaptor,
            row.normalise,
            f"{row.mean_log_prior:.4f}",
            f"{row.mean_reward:.4f}",
            f"{row.entropy:.4f}",
            f"{row.kl_to_aligned:.4f}",
            row.verdict,
        )
        for row in study.rows
    ]
    return markdown_table(("adaptor", "normalised", "E L", "E R", "H", "KL to p+", "against p+"), rows)


def _carriers(study: WordsStudy) -> str:
    shares = ", ".join(f"*{word}* {share:+.4f}" for word, share in study.carriers)
    return (
        f"Cov(R, I) = {study.cov_reward_surprisal:+.6f} decides the sign of dE R on cooling (negative: reward "
        f"rises). The "
        f"words that carry it, with their shares p+ (R - E R)(I - H): {shares}."
    )


def _trigrams(studies: Sequence[TrigramStudy]) -> str:
    """The letter trigrams of the speeches: infinitely many strings."""
    keys = list(studies[0].moments)
    head = ("", *(key.replace("_", " ") for key in keys), "T_c", *(f"T = {t}" for t in TRIGRAM_TEMPERATURES))
    rows = [
        (
            f"beta = {s.beta}",
            *(f"{s.moments[key]:.6f}" for key in keys),
            f"{s.critical_temperature:.6f}",
            *("exists" if there else "no global law" for there in s.exists),
        )
        for s in studies
    ]
    sides = "; ".join(
        f"at beta = {s.beta} b = {s.moments['exchange_coefficient']:+.4f}, "
        f"{'no trade-off' if -1 <= s.moments['exchange_coefficient'] <= 0 else 'a trade-off'} at T = 1"
        for s in studies
    )
    return (
        "## Infinitely many strings\n\n"
        f"The letter-trigram model of the speeches' sentences ({studies[0].states} states, no longest string), with "
        f"the "
        "reward 1 per vowel and -1 per consonant over beta, which prefers open syllables. Every number comes from a "
        "matrix "
        f"in balls, none from a truncation: {sides}. Heating ends at the critical temperature T_c: above it the "
        f"weights "
        "p+ ** (1/T) of all strings have no finite sum and the globally normalised law does not exist.\n\n"
        + markdown_table(head, rows)
    )


def signed(value: float | None) -> str:
    """Four decimals with a sign, an integer as it is."""
    if value is None:
        return "none"
    if value == int(value) and abs(value) > 2:
        return f"{value:.0f}"
    return f"{value:+.4f}" if abs(value) >= 1e-4 or value == 0 else f"{value:+.0e}"
