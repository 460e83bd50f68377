"""From the command line."""

from __future__ import annotations

import argparse
from importlib import import_module

from tests.fuzzing.watching import run

KINDS = ("specification", "sweep", "run", "prompts")


def main() -> None:
    """Read the arguments, run that many inputs, and say what came out."""
    parser = argparse.ArgumentParser(description="Run a command on files at random.")
    parser.add_argument("--inputs", type=int, default=20_000)
    parser.add_argument("--kind", choices=KINDS, default="specification")
    chosen = parser.parse_args()
    module = import_module("tests.fuzzing." + chosen.kind.removesuffix("s") + "s")
    seen = run(module.FILES, module.check, chosen.inputs)
    print(f"{sum(seen.statuses.values())} inputs: exit statuses {dict(seen.statuses)}")
    print("\n\n".join(f"FAILED: {failure}" for failure in seen.failures))
    print(f"slowest {seen.slowest:.1f} s, memory at most {seen.memory / 2**20:.0f} MiB\n{seen.slow_text}")
    raise SystemExit(bool(seen.failures))


if __name__ == "__main__":
    main()
