"""Sampled strings as arrays, and the secret reward."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields

import numpy as np

from simulations.arrays import Floats, Index, Mask


@dataclass(frozen=True, slots=True, eq=False)
class Strings:
    """The stored strings, one entry each, shapes (n,); sums over tokens, nats.

    Args:
        setting, prompt: indices.
        log_prior: L.
        log_aligned: -I; NaN in a Gibbs run.
        log_weight, log_normaliser: of every setting, shape (settings, n).
        reward: of the text, reward units; NaN for the secret reward.
        length: tokens.
        ended: False for a string cut at the limit.
        rewards: named ones, each of shape (n,); NaN where a string has none.
    """

    setting: Index
    prompt: Index
    log_prior: Floats
    log_aligned: Floats
    log_weight: Floats
    log_normaliser: Floats
    reward: Floats
    length: Index
    ended: Mask
    rewards: Mapping[str, Floats] = field(default_factory=dict)

    def of(self, chosen: Mask | Index) -> Strings:
        """Some of them."""
        # places, not a mask: numpy would look through the mask once for every setting
        chosen = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
        return Strings(
            self.setting[chosen],
            self.prompt[chosen],
            self.log_prior[chosen],
            self.log_aligned[chosen],
            self.log_weight[:, chosen],
            self.log_normaliser[:, chosen],
            self.reward[chosen],
            self.length[chosen],
            self.ended[chosen],
            {name: values[chosen] for name, values in self.rewards.items()},
        )

    @staticmethod
    def joined(parts: Sequence[Strings]) -> Strings:
        """Those of several parts, which have the same settings and rewards."""
        return Strings(
            **{
                own.name: np.concatenate([getattr(part, own.name) for part in parts], axis=-1)
                for own in fields(Strings)
                if own.name != "rewards"
            },
            rewards={name: np.concatenate([part.rewards[name] for part in parts]) for name in parts[0].rewards},
        )

    def __len__(self) -> int:
        return len(self.setting)


def secret(strings: Strings) -> Floats:
    """R = log p+ - log p, nats."""
    return strings.log_aligned - strings.log_prior


__all__ = ["Strings", "secret"]
