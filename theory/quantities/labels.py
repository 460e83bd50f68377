"""The words for the keys of ``probqual exact --json``: the name of a number, and its letter in docs/theory.md."""

from __future__ import annotations

import re
from collections.abc import Iterable

LABELS: dict[str, str] = {
    # the model
    "log_partition": "log-partition function log Z",
    "entropy": "entropy H",
    "varentropy": "varentropy V = Var I",
    "mean_log_prior": "mean log-likelihood E L",
    "mean_reward": "mean reward E R",
    "var_log_prior": "variance of log-likelihood Var L",
    "var_reward": "variance of reward Var R",
    "cov": "covariance Cov(L, R)",
    "corr": "correlation Corr(L, R)",
    "exchange_coefficient": "exchange coefficient b = Cov(L, I)/V",
    "strings": "number of strings",
    "states": "number of states",
    "cooling": "what a small cooling does",
    "reach": "range of E L and E R over all laws of the strings",
    "turns": "temperatures at which cooling changes what it does",
    # corpora
    "typical_probability": "P(typical), |Ibar - H| < eps",
    "typical_probability_error": "error estimate of P(typical)",
    "typical_method": "route to P(typical)",
    "chebyshev_bound": "Chebyshev's bound V/(N eps^2) on P(not typical)",
    "conditional_corr": "Corr(Lbar, Rbar) of typical corpora",
    "conditional_corr_limit": "its limit for large N, eps sqrt N fixed",
    # infinitely many strings
    "spectral_radius": "spectral radius",
    "critical_temperature": "critical temperature T_c",
    "critical_beta": "critical beta",
    # adaptors
    "kl_to_aligned": "divergence KL(q || p+)",
    "cross_entropy": "cross-entropy CE(q)",
    "kl_local_global": "divergence KL(q_loc || q_glob)",
    "w_max": "largest ratio w* = max q_glob/q_loc",
    "acceptance": "acceptance rate of Metropolis-Hastings",
    "leaked_mass": "mass leaked to infinite strings",
}
"""{key: words}. ``probqual exact`` prints the words, ``--json`` the keys."""

_NULL = re.compile(r"((?:adaptor \d+: )?)([a-z_]+(?:, [a-z_]+)*): null, (.*)", re.DOTALL)
_KEY = re.compile(r"([a-z_]+)(?=: )")
_OF_ADAPTOR = re.compile(r"adaptor (\d+): (.*)", re.DOTALL)


def in_words(notes: Iterable[str]) -> list[str]:
    """The notes with words for keys; what is said of several adaptors is said once.

    >>> in_words(["states: null, no automaton", "adaptor 1: w_max: null, a table", "adaptor 2: w_max: null, a table"])
    ['number of states: none, no automaton', 'adaptors 1, 2: largest ratio w* = max q_glob/q_loc: none, a table']
    """
    said: dict[str, list[str]] = {}
    for note in notes:
        found = _NULL.fullmatch(note)
        keys = found[2].split(", ") if found is not None else []
        if found is not None and all(key in LABELS for key in keys):
            note = f"{found[1]}{', '.join(LABELS[key] for key in keys)}: none, {found[3]}"
        note = _KEY.sub(lambda key: LABELS.get(key[1], key[1]), note, count=1) if _KEY.match(note) else note
        of = _OF_ADAPTOR.fullmatch(note)
        said.setdefault(note if of is None else of[2], []).extend([] if of is None else [of[1]])
    return [
        text if not places else f"adaptor{'s' if len(places) > 1 else ''} {', '.join(places)}: {text}"
        for text, places in said.items()
    ]


__all__ = ["LABELS", "in_words"]
