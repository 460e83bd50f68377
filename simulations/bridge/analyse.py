"""The claims on stored samples: what adaptors did to likelihood and reward, with intervals over prompts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from simulations.bridge.guard import guarded
from simulations.bridge.key import RunKey, rounding_of, run_key
from simulations.bridge.reading import strings_so_far
from simulations.bridge.store import Store, StoreError
from simulations.estimation.corpora import pooled
from simulations.estimation.gibbs import gibbs
from simulations.estimation.intervals import LEVEL, verdict_of
from simulations.estimation.rewards import with_fronts
from simulations.estimation.settings import cooling, of_setting, trades_locally
from simulations.estimation.strings import Strings
from theory.adaptors.exact import chain
from theory.arithmetic.exact import rational, to_float
from theory.report.records import GibbsAnalysis, PairAnalysis


def in_nats(strings: Strings, key: RunKey) -> Strings:
    """The strings with each named reward that has a beta divided by it."""
    betas = {one.name: to_float(rational(one.beta)) for one in key.rewards if one.beta is not None}
    scaled = {name: values / betas.get(name, 1.0) for name, values in strings.rewards.items()}
    return replace(strings, rewards=scaled)


def analysed(folder: Path) -> PairAnalysis | GibbsAnalysis:
    """Everything that is said of the run in a folder.

    Raises:
        ValueError: there is no finished run, or a shard is damaged.
    """
    return analyse(Store.existing(folder))


def analyse(store: Store) -> PairAnalysis | GibbsAnalysis:
    """Everything that is said of a run; what is infinite or below the models' rounding is None, with a note.

    Raises:
        StoreError: no prompt is complete, a shard is damaged, or key.json is.
    """
    key = run_key(store)
    read, unfinished = strings_so_far(store)
    strings, notes = in_nats(read, key), () if unfinished is None else (unfinished,)
    if key.run.aligned is None:
        return GibbsAnalysis(
            key=store.key,
            run=key.run,
            device=key.device,
            strings=len(strings),
            tokens=int(strings.length.sum()),
            level=LEVEL,
            gibbs=gibbs(strings, key.run.beta),
            notes=notes,
        )
    # a prior that rules a drawn string out gives infinities, which come out as None
    with np.errstate(invalid="ignore"):
        found = _pair(store, key, replace(strings, reward=strings.reward / to_float(rational(key.run.beta))))
        found = replace(found, notes=notes)
        same = key.models.get("prior", 0) == key.models.get("aligned", 1)
        return guarded(found, strings, rounding_of(store), same=same)


def _pair(store: Store, key: RunKey, strings: Strings) -> PairAnalysis:
    try:
        chains = tuple(chain(*steps) for steps in key.run.chains)
    except ValueError:
        raise StoreError(f"{store.folder / 'key.json'}: is damaged; the run cannot be analysed without it") from None
    settings = with_fronts(tuple(of_setting(strings, number, steps) for number, steps in enumerate(chains)))
    in_nats = {one.name for one in key.rewards if one.beta is not None}
    settings = tuple(
        replace(own, rewards={name: replace(one, nats=name in in_nats) for name, one in own.rewards.items()})
        for own in settings
    )
    steps = cooling(strings, chains)
    plain = next((step for step in steps if not step.behind and step.warm == 1), None)
    base = next((own.exchange_coefficient for own, steps in zip(settings, chains, strict=True) if not steps), None)
    return PairAnalysis(
        key=store.key,
        run=key.run,
        device=key.device,
        strings=len(strings),
        tokens=int(strings.length.sum()),
        level=LEVEL,
        settings=settings,
        pooled=pooled(strings),
        cooling=steps,
        trades=None if base is None else verdict_of(base),
        trades_locally=None if plain is None else trades_locally(plain),
        exchange_slope=-(1 + base.value) / base.value if base is not None and base.value else None,
        reward_in="nats",
    )


__all__ = ["analyse", "analysed"]
