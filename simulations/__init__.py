"""Sampling from models, and the comparison of what was sampled with what is exact."""

from simulations.bridge.generate import Decoder, Sample, generate
from simulations.chains import long_chain, metropolis
from simulations.compare import EXPERIMENTS, Outcome, run, setting
from simulations.draws import corpus_means, counts, strings, walks
from simulations.enumeration import Enumeration
from simulations.faults import FAULTS, planted
from simulations.statistics import (
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
from simulations.tabular import TreeDecoder

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
