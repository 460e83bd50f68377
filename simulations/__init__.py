"""Sampling from models, and the comparison of what was sampled with what is exact."""

from typing import TYPE_CHECKING

from theory.names import handed_on

if TYPE_CHECKING:
    from simulations.agreement.faults import FAULTS, planted
    from simulations.agreement.run import EXPERIMENTS, Outcome, run, setting
    from simulations.agreement.statistics import (
        Interval,
        Ledger,
        clopper_pearson,
        correlation_interval,
        dkw_radius,
        empirical_bernstein,
        g_critical,
        g_p_value,
        half_g,
        law_sample_size,
        log_e_value,
    )
    from simulations.decoders.dense_tree import Enumeration
    from simulations.decoders.tree import TreeDecoder
    from simulations.sampling.draws import corpus_means, counts, strings, walks
    from simulations.sampling.generate import Decoder, Sample, generate
    from simulations.sampling.metropolis import long_chain, metropolis
else:
    __getattr__, __dir__ = handed_on(
        __name__,
        {
            "simulations.agreement.faults": "FAULTS planted",
            "simulations.agreement.run": "EXPERIMENTS Outcome run setting",
            "simulations.agreement.statistics": (
                "Interval Ledger clopper_pearson correlation_interval dkw_radius empirical_bernstein "
                "g_critical g_p_value half_g law_sample_size log_e_value"
            ),
            "simulations.decoders.dense_tree": "Enumeration",
            "simulations.decoders.tree": "TreeDecoder",
            "simulations.sampling.draws": "corpus_means counts strings walks",
            "simulations.sampling.generate": "Decoder Sample generate",
            "simulations.sampling.metropolis": "long_chain metropolis",
        },
    )

__all__ = [
    "EXPERIMENTS",
    "FAULTS",
    "Decoder",
    "Enumeration",
    "Interval",
    "Ledger",
    "Outcome",
    "Sample",
    "TreeDecoder",
    "clopper_pearson",
    "corpus_means",
    "correlation_interval",
    "counts",
    "dkw_radius",
    "empirical_bernstein",
    "g_critical",
    "g_p_value",
    "generate",
    "half_g",
    "law_sample_size",
    "log_e_value",
    "long_chain",
    "metropolis",
    "planted",
    "run",
    "setting",
    "strings",
    "walks",
]
