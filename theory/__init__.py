"""Exact theory of small language models: aligned laws, sampling adaptors, corpora, and the claims about them."""

from typing import TYPE_CHECKING

from theory.names import handed_on

if TYPE_CHECKING:
    from theory.adaptors.exact import ADAPTORS, Adaptor, Chain, adapt, adapt_global, adapt_local, chain, decide
    from theory.adaptors.moments import FloatMoments, Moments, float_moments, moments
    from theory.alignment.gibbs import Aligned, align, gibbs, secret_reward
    from theory.arithmetic.exact import Undecided, precision, rational
    from theory.corpora.atoms import atoms
    from theory.corpora.typicality import conditional_correlation_limit, typical_corpora
    from theory.language_models.rewards import Reward, exp_reward, reward_over_beta
    from theory.language_models.tree import PrefixTree, TreeModel
    from theory.models.automaton import AutomatonModel
    from theory.models.finite import FiniteModel
    from theory.models.model import AlignedModel
    from theory.probability.information import cross_entropy, entropy, kl_divergence, renyi_entropy, varentropy
    from theory.probability.law import Law
    from theory.quantities.answer import answer
    from theory.quantities.own_model import Answer, Model
    from theory.specification.finite import Specification, parse_specification, read_specification
    from theory.specification.reader import read_document
    from theory.specification.tables import SpecificationError
else:
    __getattr__, __dir__ = handed_on(
        __name__,
        {
            "theory.adaptors.exact": "ADAPTORS Adaptor Chain adapt adapt_global adapt_local chain decide",
            "theory.adaptors.moments": "FloatMoments Moments float_moments moments",
            "theory.alignment.gibbs": "Aligned align gibbs secret_reward",
            "theory.arithmetic.exact": "Undecided precision rational",
            "theory.corpora.atoms": "atoms",
            "theory.corpora.typicality": "conditional_correlation_limit typical_corpora",
            "theory.language_models.rewards": "Reward exp_reward reward_over_beta",
            "theory.language_models.tree": "PrefixTree TreeModel",
            "theory.models.automaton": "AutomatonModel",
            "theory.models.finite": "FiniteModel",
            "theory.models.model": "AlignedModel",
            "theory.probability.information": "cross_entropy entropy kl_divergence renyi_entropy varentropy",
            "theory.probability.law": "Law",
            "theory.quantities.answer": "answer",
            "theory.quantities.own_model": "Answer Model",
            "theory.specification.finite": "Specification parse_specification read_specification",
            "theory.specification.reader": "read_document",
            "theory.specification.tables": "SpecificationError",
        },
    )

__all__ = [
    "ADAPTORS",
    "Adaptor",
    "Aligned",
    "AlignedModel",
    "Answer",
    "AutomatonModel",
    "Chain",
    "FiniteModel",
    "FloatMoments",
    "Law",
    "Model",
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
    "rational",
    "read_document",
    "read_specification",
    "renyi_entropy",
    "reward_over_beta",
    "secret_reward",
    "typical_corpora",
    "varentropy",
]
