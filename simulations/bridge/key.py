"""key.json of a run: what its store's key is the hash of, and what every later question reads first."""

from __future__ import annotations

import json
from typing import ClassVar

from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from simulations.bridge.key_parts import Accounting, GivenSamples, NamedReward
from simulations.bridge.store import Store, StoreError
from theory.report.records import FormatError, RecordError, Rounding, RunRecord, record_of
from theory.report.records.format import STRICT


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class RunKey:
    """What was sampled.

    Args:
        run: the run file.
        models: what the numbers depend on besides it: hashes of weights, versions, the device.
        prompt_ids: the ids of each prompt.
        shards: how many there are when the run is done.
        resolved: what else decides the numbers, as it came out: ends, vocabulary, template, dtype, attention, every
            file of models and reward, versions. Draws do not depend on it, so that a run that names its defaults
            draws the strings of one that does not.
        accounting: how the log-probabilities are counted.
        rewards: the columns reward_NAME of the shards, in their order.
        samples: where the strings came from; None where they were drawn here.
    """

    FORMAT: ClassVar[int] = 1
    MADE_BY: ClassVar[str] = "probqual sample"

    run: RunRecord
    models: dict[str, object]
    prompt_ids: tuple[tuple[int, ...], ...]
    shards: int
    accounting: Accounting
    rewards: tuple[NamedReward, ...] = ()
    samples: GivenSamples | None = None
    resolved: dict[str, object] = Field(default_factory=dict)

    @property
    def device(self) -> str | None:
        """That the run was sampled on; None where no torch model was."""
        found = self.models.get("device")
        return found if isinstance(found, str) else None


def run_key(store: Store) -> RunKey:
    """What a store says of its run.

    Raises:
        StoreError: key.json is damaged, of another format, or of something else than a run.
    """
    where = store.folder / "key.json"
    counted = store.configuration.get("accounting")
    lacking = sorted(_COUNTED - (counted.keys() if isinstance(counted, dict) else set()))
    if lacking:
        raise StoreError(
            f"{where}: does not say how its log-probabilities are counted ({', '.join(lacking)}); sample the run anew"
        )
    try:
        return record_of(RunKey, store.configuration, str(where))
    except FormatError as error:
        raise StoreError(str(error)) from None
    except RecordError:
        raise StoreError(f"{where}: is damaged; the run cannot be analysed without it") from None


_COUNTED = {"context", "begin", "ends", "law", "base", "reduction", "dtype"}


def rounding_of(store: Store) -> Rounding | None:
    """How the models' arithmetic rounds, as the self-check of the start found it; None where there was none.

    Raises:
        StoreError: what it found is damaged.
    """
    found = store.check()
    if found is None:
        return None
    try:
        return TypeAdapter(Rounding).validate_json(json.dumps(found))
    except ValidationError:
        raise StoreError(f"{store.folder / 'check.json'}: is damaged; remove it and sample the run again") from None


__all__ = ["RunKey", "rounding_of", "run_key"]
