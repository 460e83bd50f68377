"""What every setting of a run would have done at every token that was drawn: log w and log c of its adaptors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulations.sampling.adaptors import Floats, log_sum
from simulations.sampling.generate import PAD, Draw, Mask, Tokens
from simulations.sampling.history import History
from simulations.sampling.row_totals import log_totals, narrowed
from simulations.sampling.sorted_rows import SortedRows, float32_log_weights, is_window
from theory.adaptors.exact import Chain

_CELLS = 1 << 22
"""Numbers in one block of laws: 16 MiB of float32."""


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """One step of some rows.

    Args:
        step: its number.
        rows: which they are, shape (n,).
        sorted_rows: their laws in float32.
        drawn: their tokens, shape (n,).
        law: their laws in float64, where a setting needs them.
    """

    step: int
    rows: NDArray[np.int64]
    sorted_rows: SortedRows
    drawn: Tokens
    law: Floats | None = None


class Witnesses:
    """Asks every setting about every token that is drawn, many tokens at a time."""

    def __init__(self, chains: Sequence[Chain], prompts: Tokens, length: int) -> None:
        self._chains = chains
        self.log_weight = np.zeros((len(chains), len(prompts), length))
        self.log_normaliser = np.zeros((len(chains), len(prompts), length))
        self.windows = all(is_window(chain) for chain in chains)
        self._waiting: list[_Asked] = []
        self._cells = 0
        self._prompts = prompts
        self._written = np.full((len(prompts), length), PAD, dtype=np.int64)

    def watch(self, step: int, law: Floats, drawn: Tokens, alive: Mask) -> None:
        """Keep the step's laws until there are enough of them, in float32 if ``float32_log_weights`` decides so."""
        rows = np.flatnonzero(alive)
        sorted_rows = SortedRows.of(law[rows].astype(np.float32))
        self._keep(_Asked(step, rows, sorted_rows, drawn[rows], None if self.windows else law[rows]))

    def ask(self, step: int, rows: NDArray[np.int64], logits: NDArray[np.floating], drawn: Tokens) -> Floats:
        """Keep the laws of some rows, as ``watch`` does, from their logits; every setting must keep a window.

        Args:
            step: its number.
            rows: which they are, shape (n,).
            logits: shape (n, V).
            drawn: shape (n,).

        Returns:
            log p of what was drawn, shape (n,), nats.
        """
        peak, log_total = log_totals(logits)
        self._keep(_Asked(step, rows, SortedRows.of(narrowed(logits, peak, log_total)), drawn))
        return (_at(logits, drawn) - peak) - log_total

    def draws(self, chain: Chain) -> Draw | None:
        """What draws by a chain, as ``float32_log_weights`` would, and keeps what it has sorted; None where it cannot.

        It can where every setting keeps a window of the falling order.
        """
        if not self.windows:
            return None

        def draw(
            step: int, logits: NDArray[np.floating], uniform: Floats, alive: Mask
        ) -> tuple[Tokens, Floats, Floats, Floats]:
            rows = np.flatnonzero(alive)
            tokens, values = np.zeros(len(alive), dtype=np.int64), np.zeros((3, len(alive)))
            own = logits if len(rows) == len(alive) else logits[rows]
            tokens[rows], *found = self._drawn(step, rows, own, chain, uniform[rows])
            values[:, rows] = found
            return tokens, values[0], values[1], values[2]

        return draw

    def _drawn(
        self, step: int, rows: NDArray[np.int64], logits: NDArray[np.floating], chain: Chain, uniform: Floats
    ) -> tuple[Tokens, Floats, Floats, Floats]:
        if not chain:  # by the logits themselves, which have not been rounded to a law of float32
            plain = SortedRows.of(logits)
            drawn = plain.draw(plain.window(chain), uniform)
            log_prob = self.ask(step, rows, logits, drawn)
            return drawn, log_prob, log_prob, np.zeros(len(rows))
        peak, log_total = log_totals(logits)
        laws = SortedRows.of(narrowed(logits, peak, log_total))
        window = laws.window(chain)
        drawn = laws.draw(window, uniform)
        self._keep(_Asked(step, rows, laws, drawn))
        kept = window.power * laws.log_prob(drawn)
        return drawn, (_at(logits, drawn) - peak) - log_total, kept, window.log_total

    def _keep(self, asked: _Asked) -> None:
        self._waiting.append(asked)
        self._written[asked.rows, asked.step] = asked.drawn
        self._cells += asked.sorted_rows.logits.size
        if self._cells >= _CELLS:
            self.settle()

    def settle(self) -> None:
        """Ask about all that waits."""
        if not self._waiting:
            return
        laws = SortedRows.joined([asked.sorted_rows for asked in self._waiting])
        tokens = np.concatenate([asked.drawn for asked in self._waiting])
        place = np.concatenate([asked.rows for asked in self._waiting])
        steps = np.concatenate([np.full(len(asked.rows), asked.step) for asked in self._waiting])
        cuts = any(step.name != "temperature" for chain in self._chains for step in chain)
        rank = laws.rank(tokens) if cuts else np.zeros(len(tokens), dtype=np.int64)
        for number, chain in enumerate(self._chains):
            if not is_window(chain):
                self._by_rows(number, chain)
                continue
            window = laws.window(chain)
            self.log_weight[number, place, steps] = laws.log_weight(window, tokens, rank)
            self.log_normaliser[number, place, steps] = window.log_total
        self._waiting, self._cells = [], 0

    def _by_rows(self, number: int, chain: Chain) -> None:
        """One setting whose weights are no window of the falling order, step by step."""
        for asked in self._waiting:
            assert asked.law is not None, "kept where a setting needs it"
            rows, step = asked.rows, asked.step
            history = History(self._prompts[rows], self._written[rows, :step])
            weight = float32_log_weights(asked.law, chain, history)
            self.log_weight[number, rows, step] = weight[np.arange(len(rows)), asked.drawn]
            self.log_normaliser[number, rows, step] = log_sum(weight)


def _at(logits: NDArray[np.floating], drawn: Tokens) -> Floats:
    return logits[np.arange(len(drawn)), drawn].astype(np.float64)


__all__ = ["Witnesses"]
