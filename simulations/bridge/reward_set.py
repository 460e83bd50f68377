"""The rewards of a run file: the run's own one, and those that are kept beside it under their names."""

from __future__ import annotations

from simulations.bridge.rewards import NamedScorer, Reads, Rewards, scorer
from simulations.bridge.runs import Run


def rewards_of(run: Run, device: str = "cpu") -> Rewards:
    """What gives the rewards of a run; those that came with given strings are not among them.

    Args:
        run: whose they are.
        device: that classifiers run on.

    Raises:
        ValueError: what a reward names is not there.
    """
    own = scorer(run.reward, run.source, run.label, reads=run.reads, base=run.base, device=device)
    named: dict[str, NamedScorer] = {}
    for one in run.rewards:
        reads: Reads = "completion" if one.reads == "completion" else "text"
        found = scorer(one.kind, one.source, one.label, reads=reads, base=run.base, device=device)
        if found is not None:
            named[one.name] = found
    return Rewards(own, named)


__all__ = ["rewards_of"]
