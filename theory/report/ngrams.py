"""The page on a real language model with infinitely many strings: the word bigrams of the speeches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from flint import arb, fmpq

from theory.adaptors.exact import chain
from theory.arithmetic.exact import rational, to_float
from theory.automata.ngram import (
    ngram_critical_beta,
    ngram_critical_temperature,
    repeated_token,
    total_as_written,
)
from theory.examples.speech_ngrams import rewards, speech_bigrams
from theory.models.ngram import AlignedNGram, reward_floats
from theory.quantities.directions import effect
from theory.report.markdown import markdown_table

REWARDS: tuple[tuple[str, str], ...] = (
    ("valence", "100"),
    ("valence", "10"),
    ("valence", "3"),
    ("words", "100"),
    ("words", "30"),
)
"""Name and beta."""

ADAPTED = ("valence", "10")
"""The model that adaptors act on."""

ADAPTORS: tuple[tuple[str, str, str], ...] = (
    ("temperature", "201/200", "global"),
    ("temperature", "99/100", "global"),
    ("temperature", "9/10", "global"),
    ("temperature", "1/2", "global"),
    ("temperature", "9/10", "local"),
    ("top_k", "50", "local"),
    ("nucleus", "9/10", "local"),
    ("min_p", "1/20", "local"),
    ("top_k", "1", "local"),
)


_SHOWN = ("mean_log_prior", "mean_reward", "entropy", "kl_to_aligned")


@dataclass(frozen=True, slots=True)
class RewardRow:
    """One reward at one beta; nats.

    Args:
        reward: "valence" or "words".
        critical_temperature: at and above it p+ has no global temperature law.
        critical_beta: at and below it Z is infinite.
        repeated: a token whose repetition makes it so.
    """

    reward: str
    beta: fmpq
    entropy: float
    varentropy: float
    mean_log_prior: float
    mean_reward: float
    exchange_coefficient: float
    correlation: float
    critical_temperature: float
    critical_beta: float
    repeated: str


@dataclass(frozen=True, slots=True)
class AdaptorRow:
    """One adaptor on the model of ``ADAPTED``; nats.

    Args:
        status: "OK" where there is a law.
        mean_log_prior, mean_reward, entropy, kl_to_aligned: None where there is no law.
        effect: "trades R for L" and so on, against p+; "" where there is no law.
        leaked: the mass that is lost to infinite strings.
    """

    adaptor: str
    normalise: str
    status: str
    mean_log_prior: float | None
    mean_reward: float | None
    entropy: float | None
    kl_to_aligned: float | None
    effect: str
    leaked: float


@dataclass(frozen=True, slots=True)
class NGramStudy:
    """The word bigrams of the speeches.

    Args:
        contexts, tokens, arcs: how large the model is.
        least_sum, most_sum: of a context's probabilities as written.
        total: of all strings as written.
        rows: one for each of ``REWARDS``.
        adapted: one for each of ``ADAPTORS``.
    """

    contexts: int
    tokens: int
    arcs: int
    least_sum: float
    most_sum: float
    total: float
    rows: tuple[RewardRow, ...]
    adapted: tuple[AdaptorRow, ...]

    @property
    def expanded(self) -> int:
        """Arcs with one for each context and token, ends included."""
        return self.contexts * (self.tokens + 1)


def reward_row(name: str, beta: fmpq) -> RewardRow:
    """The row of one reward, every number certified to more digits than are shown. Cost: some seconds."""
    prior, gains = speech_bigrams(), rewards(name, beta)
    mean = AlignedNGram.of(prior, gains).mean
    reward = reward_floats(gains)
    critical = ngram_critical_temperature(prior, reward).value
    least = ngram_critical_beta(prior, reward, arb(beta)).value
    assert critical is not None, "the prior has contexts that go on in many ways"
    assert least is not None, "some words have a positive reward"
    return RewardRow(
        reward=name,
        beta=beta,
        entropy=to_float(mean.cross_entropy),
        varentropy=to_float(mean.var_surprisal),
        mean_log_prior=to_float(mean.mean_log_prior),
        mean_reward=to_float(mean.mean_reward),
        exchange_coefficient=to_float(mean.exchange_coefficient),
        correlation=to_float(mean.correlation),
        critical_temperature=to_float(critical),
        critical_beta=to_float(least),
        repeated=" ".join(repeated_token(prior, reward)),
    )


def reward_rows() -> tuple[RewardRow, ...]:
    """The rows of ``REWARDS``."""
    return tuple(reward_row(name, rational(beta)) for name, beta in REWARDS)


def adapted_rows(settings: Sequence[tuple[str, str, str]] = ADAPTORS) -> tuple[AdaptorRow, ...]:
    """What adaptors make of the model of ``ADAPTED``. Cost: up to five seconds each."""
    name, beta = ADAPTED
    model = AlignedNGram.of(speech_bigrams(), rewards(name, rational(beta)))
    rows = []
    for step, value, normalise in settings:
        found = model.adapted(chain((step, value)), normalise)
        mean = found.moments
        told = "" if mean is None else effect(model, found)
        leaked = 0.0 if found.leaked_mass is None else to_float(found.leaked_mass)
        l, r, entropy, kl = (None if mean is None else to_float(getattr(mean, name)) for name in _SHOWN)
        rows.append(AdaptorRow(f"{step} {value}", normalise, found.status, l, r, entropy, kl, told, leaked))
    return tuple(rows)


def ngram_study(rows: Iterable[RewardRow], adapted: Iterable[AdaptorRow]) -> NGramStudy:
    """The study from its rows, which may have been computed side by side."""
    model = speech_bigrams()
    masses = model.masses()
    return NGramStudy(
        contexts=model.states,
        tokens=len(model.alphabet),
        arcs=len(model),
        least_sum=float(np.min(masses)),
        most_sum=float(np.max(masses)),
        total=total_as_written(model),
        rows=tuple(rows),
        adapted=tuple(adapted),
    )


# --- the page -----------------------------------------------------------------------------------------------------


def ngrams_page(study: NGramStudy) -> str:
    """docs/results/speeches.md."""
    lines = [
        "# Real words, infinitely many strings",
        "",
        "The prior is a bigram model of the words of the State of the Union speeches: "
        f"{study.contexts:,} contexts, {study.tokens:,} words and {study.arcs:,} listed arcs, estimated with modified "
        "Kneser-Ney smoothing ([how it is made and read](../ngrams.md)). Expanded it would have "
        f"{study.expanded / 1e6:.0f} million arcs. Its contexts sum to {study.least_sum:.4f} to {study.most_sum:.4f} "
        "as written, and each is divided by its sum; as written all strings together have mass "
        f"{study.total:.4f}. The reward is the VADER valence of each word, or 1 for each word, over beta.",
        "",
        *(f"- {line}" for line in told(study)),
        "",
        "![speeches](../../figures/speeches.png)",
        "",
        _rewards(study),
        "",
        f"## Adaptors, {ADAPTED[0]} over {ADAPTED[1]}",
        "",
        "Numbers of global temperatures are certified. Local adaptors act on the next-word laws of p+, one context at "
        "a time, in float64.",
        "",
        _adaptors(study),
    ]
    return "\n".join(lines) + "\n"


def told(study: NGramStudy) -> list[str]:
    """What the numbers say, a sentence each."""
    least = {row.reward: (row.critical_beta, row.repeated) for row in study.rows}
    critical = [row.critical_temperature for row in study.rows]
    coefficients = [row.exchange_coefficient for row in study.rows]
    below = sum(b < -1 for b in coefficients)
    laws = [row for row in study.adapted if row.status == "OK"]
    trading = [row for row in laws if row.effect.startswith("trades")]
    others = [f"{row.normalise} {row.adaptor} {row.effect or row.status}" for row in laws if row not in trading]
    lost = [f"{row.normalise} {row.adaptor} ({row.leaked:.3g})" for row in study.adapted if row.status == "LEAKS"]
    lines = [
        "Z is infinite at a small beta: at or below "
        + " and ".join(f"{value:.4f} for {name}" for name, (value, _) in least.items())
        + ", where "
        + " and ".join(f'"{word}"' for word in dict.fromkeys(word for _, word in least.values()))
        + " can be repeated at a gain.",
        f"A globally normalised law of p+ exists up to a critical temperature of {min(critical):.5f} to "
        f"{max(critical):.5f}, depending on the reward: barely above 1.",
        f"b is below -1 for {below} of the {len(coefficients)} rewards, from {min(coefficients):.5f} to "
        f"{max(coefficients):.5f}; there a small global cooling at T = 1 raises E L and lowers E R.",
        f"Of the {len(laws)} adaptors that have a law, {len(trading)} trade against p+"
        + (f", and others do not: {', '.join(others)}" if others else "")
        + ".",
    ]
    if lost:
        lines.append(f"Strings that never end take mass under {', '.join(lost)}: there is no law of finite strings.")
    return lines


def _rewards(study: NGramStudy) -> str:
    head = ("reward", "beta", "H", "V", "E L", "E R", "b", "Corr(L, R)", "T_c", "critical beta")
    rows = [
        (
            row.reward,
            str(row.beta),
            f"{row.entropy:.3f}",
            f"{row.varentropy:,.6g}",
            f"{row.mean_log_prior:.3f}",
            f"{row.mean_reward:.5f}",
            f"{row.exchange_coefficient:.5f}",
            f"{row.correlation:.4f}",
            f"{row.critical_temperature:.5f}",
            f"{row.critical_beta:.5f}",
        )
        for row in study.rows
    ]
    return markdown_table(head, rows)


def _adaptors(study: NGramStudy) -> str:
    head = ("adaptor", "normalised", "E L", "E R", "H", "KL to p+", "against p+")
    name, beta = ADAPTED
    own = [row for row in study.rows if (row.reward, str(row.beta)) == (name, beta)]
    rows: list[tuple[str, ...]] = [
        ("p+ itself", "", f"{row.mean_log_prior:.3f}", f"{row.mean_reward:.5f}", f"{row.entropy:.3f}", "0", "")
        for row in own
    ]
    for law in study.adapted:
        numbers = (law.mean_log_prior, law.mean_reward, law.entropy, law.kl_to_aligned)
        places = (3, 5, 3, 4)
        cells = ["" if v is None else f"{v:.{n}f}" for v, n in zip(numbers, places, strict=True)]
        told_of = law.effect or f"{law.status}: {law.leaked:.4f} is lost"
        rows.append((law.adaptor, law.normalise, *cells, told_of))
    return markdown_table(head, rows)


__all__ = [
    "ADAPTED",
    "ADAPTORS",
    "REWARDS",
    "AdaptorRow",
    "NGramStudy",
    "RewardRow",
    "adapted_rows",
    "ngram_study",
    "ngrams_page",
    "reward_row",
    "reward_rows",
    "told",
]
