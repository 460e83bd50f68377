"""Compare what ``make engines`` saw with the presets: every kept set must be the one that the preset names.

python -m tests.engines.check build/engines.json
"""

from __future__ import annotations

import sys
from pathlib import Path

from theory.adaptors.engines import engine
from theory.adaptors.observations import Observation, kept_probabilities, read_observations


def differing(seen: tuple[Observation, ...]) -> list[str]:
    """The observations that a preset does not explain, in words."""
    found = []
    for own in seen:
        steps = engine(own.engine).expand(own.settings).chain
        expected = kept_probabilities(own.law, steps)
        if expected != own.kept:
            found.append(f"{own.engine} {own.version} {dict(own.settings)}: kept {own.kept}, {steps} keeps {expected}")
    return found


def main(path: Path) -> int:
    """0 where all agree."""
    seen = read_observations(path)
    wrong = differing(seen)
    for line in wrong:
        print(line)
    versions = sorted({(own.engine, own.version) for own in seen})
    stale = [f"{name} {own}" for name, own in versions if own != engine(name).version]
    agree = f"{len(seen) - len(wrong)} of {len(seen)} kept sets of {len(versions)} engines agree"
    print(f"{agree}; measured at other versions than the presets': {', '.join(stale) or 'none'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
