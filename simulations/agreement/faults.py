"""Planted faults: one procedure done wrong at a time, as it is done wrong in practice. A comparison must notice each.

Each fault is the right set of procedures with one replaced. What is wrong is said in one sentence; the code is the
mistake itself, on purpose.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from simulations.agreement.procedures import ChainStates, Parts, string_log_prob
from simulations.estimation.corpora import CovarianceParts
from simulations.estimation.prompts import Prompts
from simulations.estimation.strings import Strings, secret
from simulations.sampling import draws, score
from simulations.sampling import metropolis as chains
from simulations.sampling.adaptors import log_softmax, log_weights
from simulations.sampling.generate import PAD, Decoder, Sample, Tokens
from theory.adaptors.exact import Chain, chain
from theory.report.records import Estimate

Floats = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault by name.

    Args:
        name: a slug, as ``probqual compare --plant`` takes it.
        wrong: what is done wrong, in a sentence.
        parts: the procedures with the fault.
    """

    name: str
    wrong: str
    parts: Parts

    @property
    def replaced(self) -> frozenset[str]:
        """The names of the procedures that are done wrong."""
        right = Parts()
        names = (part.name for part in fields(Parts))
        return frozenset(name for name in names if getattr(self.parts, name) is not getattr(right, name))


# --- chains -------------------------------------------------------------------------------------------------------


def _always(states: ChainStates) -> chains.Ratio:
    return lambda proposed, present: np.zeros(len(proposed))


def _inverted(states: ChainStates) -> chains.Ratio:
    return chains.metropolis(states.log_proposal - states.log_target)


def _without_proposal(states: ChainStates) -> chains.Ratio:
    return chains.metropolis(states.log_target)


def _under_temperature(states: ChainStates) -> chains.Ratio:
    return chains.metropolis(states.log_aligned - states.log_proposal)


# --- adaptors -----------------------------------------------------------------------------------------------------


def _hidden_top_k(log_prob: Floats, steps: Chain) -> Floats:
    return log_weights(log_prob, Chain((*chain(("top_k", 2)), *steps)))


def _temperature_last(steps: Chain) -> Chain:
    return Chain(sorted(steps, key=lambda step: step.name == "temperature"))


def _float16(log_prob: Floats, steps: Chain) -> Floats:
    with np.errstate(over="ignore"):
        return log_weights(log_softmax(log_prob.astype(np.float16).astype(np.float32)), steps)


def _ties_to_higher(log_prob: Floats, steps: Chain) -> Floats:
    return log_weights(log_prob[:, ::-1], steps)[:, ::-1]


# --- scores -------------------------------------------------------------------------------------------------------


def _by_token(decoder: Decoder, prompts: Tokens, sample: Sample) -> Floats:
    return score.log_probs(decoder, prompts, sample.tokens)


def _end_unscored(decoder: Decoder, prompts: Tokens, sample: Sample) -> Floats:
    total: Floats = np.where(sample.tokens == decoder.end, 0.0, _by_token(decoder, prompts, sample)).sum(axis=1)
    return total


def _clamped(decoder: Decoder, prompts: Tokens, sample: Sample) -> Floats:
    total: Floats = np.maximum(_by_token(decoder, prompts, sample), -25.0).sum(axis=1)
    return total


def _mask_off_by_one(decoder: Decoder, prompts: Tokens, sample: Sample) -> Floats:
    total: Floats = _by_token(decoder, prompts, sample)[:, 1:].sum(axis=1)
    return total


def _without_prompt(decoder: Decoder, prompts: Tokens, sample: Sample) -> Floats:
    other = np.roll(np.arange(prompts.max() + 2), 1)[prompts]
    return string_log_prob(decoder, other, sample)


def _capped_as_whole(decoder: Decoder, prompts: Tokens, sample: Sample) -> Floats:
    tokens = np.concatenate((sample.tokens, np.full((len(sample.tokens), 1), PAD)), axis=1)
    cut = np.flatnonzero(~sample.ended)
    tokens[cut, sample.length[cut]] = decoder.end
    total: Floats = score.log_probs(decoder, prompts, tokens).sum(axis=1)
    return total


def _padding_counted(decoder: Decoder, prompts: Tokens, sample: Sample) -> Floats:
    tokens = np.where(sample.tokens == PAD, decoder.end, sample.tokens)
    total: Floats = score.log_probs(decoder, prompts, tokens).sum(axis=1)
    return total


def _nan_as_certain(decoder: Decoder, prompts: Tokens, sample: Sample) -> Floats:
    prob = np.exp(_by_token(decoder, prompts, sample)).astype(np.float16)
    with np.errstate(divide="ignore"):
        total: Floats = np.nan_to_num(np.log(prob.astype(np.float64)), neginf=0.0).sum(axis=1)
    return total


def _flipped(log_aligned: Floats, log_prior: Floats) -> Floats:
    return log_prior - log_aligned


# --- laws and corpora ---------------------------------------------------------------------------------------------


def _prior_instead(log_prior: Floats, reward: Floats, beta: float) -> Floats:
    law: Floats = np.exp(log_prior) / np.exp(log_prior).sum()
    return law


def _beta_inverted(log_prior: Floats, reward: Floats, beta: float) -> Floats:
    return Parts().tilted(log_prior, reward, 1 / beta)


def _local_always(normalise: str) -> str:
    return "local"


def _one_seed(prob: Floats, size: int, corpora: int, *, rng: np.random.Generator) -> Index:
    return np.repeat(draws.counts(prob, size, 1, rng=rng), corpora, axis=0)


def _one_pool(prob: Floats, size: int, corpora: int, *, rng: np.random.Generator) -> Index:
    pool = draws.counts(prob, 100, 1, rng=rng)[0]
    return draws.counts(pool / pool.sum(), size, corpora, rng=rng)


def _without_duplicates(counts: Index, values: Floats) -> Floats:
    return Parts().corpus_means(np.minimum(counts, 1), values)


# --- estimates from few strings -----------------------------------------------------------------------------------


def _over_n(prompts: Prompts, first: Floats, second: Floats) -> Floats:
    count = prompts.count[prompts.count > 1]
    found: Floats = prompts.covs(first, second) * (count - 1) / count
    return found


def _uncorrected(prompts: Prompts, statistic: Callable[..., Floats], *columns: Floats) -> Floats:
    return statistic(*map(prompts.sums, columns), prompts.count)


def _proposed_to_itself(prompts: Prompts, log_weight: Floats) -> Floats:
    found = []
    for x in range(len(prompts)):
        weight = np.exp(log_weight[prompts.place == x])
        found.append(np.minimum.outer(weight, weight).mean() / weight.mean())
    return np.array(found)


def _between_with_prompts(strings: Strings) -> Floats:
    parts = CovarianceParts.of(strings)
    within, prompts = parts.within.mean(axis=0), Prompts.of(strings)
    settings = np.unique(strings.setting)
    l, r = prompts.centred(strings.log_prior), prompts.centred(secret(strings))
    means = np.array([[v[strings.setting == k].mean() for v in (l, r)] for k in settings])
    plain = np.cov(means.T, ddof=0)[[0, 0, 1], [0, 1, 1]]
    found: Floats = plain - within * (1 - 1 / len(settings)) / (len(strings) / len(settings) - 1)
    return found


def _by_jackknife(above: Floats, below: Floats) -> Estimate:
    left = (above.sum() - above) / (below.sum() - below)
    count = len(above)
    radius = 2.365 * float(np.sqrt((count - 1) / count * ((left - left.mean()) ** 2).sum()))
    value = float(above.mean() / below.mean())
    return Estimate(value, value - radius, value + radius)


FAULTS: tuple[Fault, ...] = (
    Fault("always-accept", "the chain accepts every proposal", Parts(ratio=_always)),
    Fault("inverted-ratio", "the acceptance ratio is turned upside down", Parts(ratio=_inverted)),
    Fault("ratio-without-proposal", "the acceptance ratio leaves the proposal out", Parts(ratio=_without_proposal)),
    Fault(
        "ratio-under-temperature",
        "the ratio p+ / q_loc is used with a temperature in front, whose target is not p+",
        Parts(ratio=_under_temperature),
    ),
    Fault(
        "hidden-top-k", "a top-k that nobody asked for is left on in front of the adaptors", Parts(adapt=_hidden_top_k)
    ),
    Fault(
        "local-for-global", "each token is normalised where the whole string was meant", Parts(normalise=_local_always)
    ),
    Fault(
        "temperature-last",
        "the temperature comes after the truncation instead of before",
        Parts(steps=_temperature_last),
    ),
    Fault("float16-adaptor", "adaptors decide on probabilities rounded to float16", Parts(adapt=_float16)),
    Fault("ties-to-higher", "equal probabilities are kept from the higher index down", Parts(adapt=_ties_to_higher)),
    Fault("end-unscored", "the token that ends a string is not scored", Parts(string_log_prob=_end_unscored)),
    Fault("clamped", "a token's negative log-probability is cut off at 25 nats", Parts(string_log_prob=_clamped)),
    Fault(
        "prompt-mask", "the prompt's mask covers the answer's first token too", Parts(string_log_prob=_mask_off_by_one)
    ),
    Fault("without-prompt", "the prior scores answers behind another prompt", Parts(string_log_prob=_without_prompt)),
    Fault(
        "capped-as-whole",
        "strings cut at the length limit are scored as ended",
        Parts(string_log_prob=_capped_as_whole),
    ),
    Fault("padding-counted", "the padding behind short strings is scored", Parts(string_log_prob=_padding_counted)),
    Fault(
        "nan-as-certain", "what underflows in float16 is read as probability 1", Parts(string_log_prob=_nan_as_certain)
    ),
    Fault("flipped-reward", "the secret reward is log p - log p+", Parts(secret_reward=_flipped)),
    Fault("prior-for-aligned", "strings are drawn from p instead of p+", Parts(tilted=_prior_instead)),
    Fault("beta-for-inverse", "the reward is multiplied by beta instead of divided", Parts(tilted=_beta_inverted)),
    Fault("reused-seed", "every corpus is drawn with the same seed", Parts(counts=_one_seed)),
    Fault("bootstrap-pool", "corpora are resampled from one pool of 100 strings", Parts(counts=_one_pool)),
    Fault(
        "without-duplicates",
        "a string that occurs twice in a corpus counts once",
        Parts(corpus_means=_without_duplicates),
    ),
    Fault("covariance-over-n", "covariances within a prompt are divided by n instead of n - 1", Parts(covs=_over_n)),
    Fault("ratio-uncorrected", "a mean by weights keeps its bias of 1 / strings", Parts(corrected=_uncorrected)),
    Fault(
        "proposed-to-itself",
        "an acceptance rate from few strings counts a string as a proposal to itself",
        Parts(acceptances=_proposed_to_itself),
    ),
    Fault(
        "settings-by-prompt",
        "what a setting does to single prompts is taken for a difference between settings",
        Parts(between=_between_with_prompts),
    ),
    Fault(
        "jackknife-of-a-ratio",
        "the interval of a slope is the jackknife's, as if the denominator could not be 0",
        Parts(quotient=_by_jackknife),
    ),
)


def planted(name: str) -> Fault:
    """The fault of this name.

    Raises:
        ValueError: there is none; names them all.
    """
    for fault in FAULTS:
        if fault.name == name:
            return fault
    raise ValueError(f"no fault {name!r}; known: {', '.join(fault.name for fault in FAULTS)}")


__all__ = ["FAULTS", "Fault", "planted"]
