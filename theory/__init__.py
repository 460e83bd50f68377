"""Exact theory of small language models: aligned laws, sampling adaptors, corpora, and the claims about them."""

from theory.adaptors import ADAPTORS, Adaptor, adapt, adapt_global, adapt_local, chain, decide
from theory.alignment import Aligned, align, gibbs, secret_reward
from theory.corpus import atoms, conditional_correlation_limit, typical_corpora
from theory.exact import Undecided, precision, rational
from theory.information import cross_entropy, entropy, kl_divergence, renyi_entropy, varentropy
from theory.language_models.tree import PrefixTree, TreeModel
from theory.law import Law
from theory.quantities import answer, quantities
from theory.rewards import Reward, exp_reward, reward_over_beta
from theory.specification import (
    Specification,
    SpecificationError,
    parse_specification,
    read_document,
    read_specification,
)
from theory.tradeoff import FloatMoments, Moments, float_moments, moments

__all__ = [
    "ADAPTORS",
    "Adaptor",
    "Aligned",
    "FloatMoments",
    "Law",
    "Moments",
    "PrefixTree",
    "Reward",
    "Specification",
    "SpecificationError",
    "TreeModel",
    "Undecided",
    "adapt",
    "adapt_global",
    "adapt_local",
    "align",
    "answer",
    "atoms",
    "chain",
    "conditional_correlation_limit",
    "cross_entropy",
    "decide",
    "entropy",
    "exp_reward",
    "float_moments",
    "gibbs",
    "kl_divergence",
    "moments",
    "parse_specification",
    "precision",
    "quantities",
    "rational",
    "read_document",
    "read_specification",
    "renyi_entropy",
    "reward_over_beta",
    "secret_reward",
    "typical_corpora",
    "varentropy",
]
