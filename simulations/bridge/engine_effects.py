"""What engines' chains did to E L and E R of a real pair: ``make engines-pair`` writes theory/data/engines_pair.json.

python -m simulations.bridge.engine_effects RUN_DIR, where the run is of examples/engines.toml.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from simulations.arrays import Floats
from simulations.bridge.key import run_key
from simulations.bridge.reading import read_strings
from simulations.bridge.store import Store, StoreError
from simulations.estimation import intervals
from simulations.estimation.prompts import Prompts
from simulations.estimation.strings import Strings, secret
from theory.files import write_whole
from theory.report.records import EngineEstimates, EnginesPair, Estimate, as_json

TARGET = Path(__file__).resolve().parents[2] / "theory" / "data" / "engines_pair.json"


def engine_effects(store: Store) -> EnginesPair:
    """Every setting of a run, less the setting without an adaptor.

    A difference is taken prompt by prompt, as between two temperatures of ``probqual analyse``.

    Raises:
        StoreError: the run is not finished or is damaged; or it is of one model, or has no setting without adaptors.
    """
    key, strings = run_key(store), read_strings(store)
    if key.run.aligned is None or () not in key.run.chains:
        raise StoreError(f"{store.folder}: two models are needed, and a setting without an adaptor, which is p+ itself")
    plain = key.run.chains.index(())
    return EnginesPair(
        key=store.key,
        run=key.run,
        device=key.device,
        strings=len(strings),
        tokens=int(strings.length.sum()),
        level=intervals.LEVEL,
        settings=tuple(effect(strings, number, plain) for number in range(len(key.run.chains))),
    )


def effect(strings: Strings, number: int, plain: int) -> EngineEstimates:
    """One setting, and what it moved from the plain one: E_q v - E_p+ v, mean over prompts, for v = L and R."""
    own, base = (strings.of(strings.setting == k) for k in (number, plain))
    prompts, others = Prompts.of(own), Prompts.of(base)

    def change(after: Floats, before: Floats) -> Estimate:
        return intervals.mean(prompts.means(after) - others.means(before))

    return EngineEstimates(
        mean_log_prior=intervals.mean(prompts.means(own.log_prior)),
        mean_reward=intervals.mean(prompts.means(secret(own))),
        entropy=intervals.mean(prompts.means(own.log_normaliser[number] - own.log_weight[number])),
        moved_log_prior=change(own.log_prior, base.log_prior),
        moved_reward=change(secret(own), secret(base)),
        ended=float(own.ended.mean()),
    )


def main(folder: Path, target: Path = TARGET) -> None:
    """Write the record."""
    found = engine_effects(Store.existing(folder))
    write_whole(target, json.dumps(as_json(found), indent=2) + "\n")
    print(f"{target}: {found.strings:,} strings, {len(found.settings)} chains")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
