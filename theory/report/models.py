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
        ("Pearson over strings under p+", f"{toy.pearson:+.6f}", "", "the law that corpora are drawn from"),
        ("varentropy V", f"{toy.varentropy:.6f}", "", ""),
        ("exchange coefficient b", f"{toy.exchange_coefficient:+.6f}", "", "in (-1, 0): a small cooling raises both"),
        (
            "P(typical), N = 100,000, eps = 0.001",
            f"{toy.typical_probability:.10f}",
            "213/1000",
            f"from 1,000 corpora; standard error {_standard_error(toy):.3f}",
        ),
        ("correlation of corpora", f"{toy.pearson:+.6f}", "", "all corpora, at every N"),
        (
            "correlation of corpora given typical",
            f"{toy.conditional_correlation:+.9f}",
            "-0.92",
            "published after an equal-count re-binning along L",
        ),
        ("the same, limit as N grows", f"{toy.conditional_limit:+.9f}", "", "with eps sqrt N kept fixed"),
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
        f"{power_of_ten_above(toy.typical_error)}. Re-binning to equal counts along L makes L uniform over its range "
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
        f"The strings are the {studies[0].strings:,} words of the State of the Union speeches, spelled letter by "
        "letter. The prior is a word's relative frequency and the reward its VADER valence. Adaptors act on the exact "
        "next-letter laws of p+. The last column of the tables says in which direction an adaptor moves E L and E R "
        "from p+, decided in ball arithmetic. It trades R for L if E R falls and E L rises, "
        "and L for R the other way round.",
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
            f"- beta = {study.beta}: b = {b:+.6f}, {where} [-1, 0], so a small global cooling at T = 1 "
            f"{'trades one for the other' if study.trades_off else 'raises both'}. Along global "
            f"temperature (T from 0.2 to 5): {turns or 'no change of sign'}. Settings that trade against p+: "
            f"{', '.join(trading) or 'none'}."
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
        f"Cov(R, I) = {study.cov_reward_surprisal:+.6f} decides in which direction a small global cooling at T = 1 "
        "moves E R: up if it is negative. The words that contribute most, with their contributions p+ (R - E R)(I - "
        f"H): {shares}."
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
        f"at beta = {s.beta} b = {s.moments['exchange_coefficient']:+.4f}, and a small global cooling at T = 1 "
        f"{'does not trade' if -1 <= s.moments['exchange_coefficient'] <= 0 else 'trades'}"
        for s in studies
    )
    return (
        "## Infinitely many strings\n\n"
        f"The prior is the letter-trigram model of the speeches' sentences ({studies[0].states} states, strings of "
        "every length). The reward is 1 for a vowel and -1 for a consonant, over beta. Every number is computed from "
        f"matrices in ball arithmetic; the sum over strings is not truncated. {sides[0].upper()}{sides[1:]}. From the "
        "critical temperature T_c on, the weights p+ ** (1/T) of all strings have no finite sum, and no globally "
        "normalised law exists.\n\n" + markdown_table(head, rows)
    )


def signed(value: float | None) -> str:
    """Four decimals with a sign, an integer as it is."""
    if value is None:
        return "none"
    if value == int(value) and abs(value) > 2:
        return f"{value:.0f}"
    return f"{value:+.4f}" if abs(value) >= 1e-4 or value == 0 else f"{value:+.0e}"
