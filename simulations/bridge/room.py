"""A cache of keys and values with room for the tokens to come: they are written in place, not appended by a copy.

transformers' own layers concatenate at every token, which copies all that a model has read, and leaves holes in memory
that the next, larger arrays do not fit into.
"""

from __future__ import annotations

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

_ROOM = 32
"""Tokens that there is room for each time that memory is taken."""


class RoomyLayer(DynamicLayer):
    """Keys and values of one layer, shape (B, heads, T, size), as views of arrays that are longer along T."""

    keys: torch.Tensor
    values: torch.Tensor

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: object, **kwargs: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write new keys and values behind those that are there; gives all of them."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        rooms: tuple[torch.Tensor | None, torch.Tensor | None] = getattr(self, "_rooms", (None, None))
        self.keys, keys = _behind(self.keys, key_states, rooms[0])
        self.values, values = _behind(self.values, value_states, rooms[1])
        self._rooms = keys, values
        return self.keys, self.values

    def reorder_cache(self, beam_idx: torch.Tensor) -> None:
        """Select rows, any number of times each, into arrays that have room at once."""
        if self.get_seq_length() > 0:
            rows = beam_idx.to(self.keys.device)
            length = self.get_seq_length()
            keys, values = (_longer(there.index_select(0, rows), length) for there in (self.keys, self.values))
            self.keys, self.values = keys[:, :, :length], values[:, :, :length]
            self._rooms = keys, values


def _behind(
    there: torch.Tensor, new: torch.Tensor, room: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """(both along T, the array that they begin): in ``room``, where that is what is there and long enough."""
    if there.dim() != new.dim():
        return new, None
    seen, length = there.shape[2], there.shape[2] + new.shape[2]
    if room is None or length > room.shape[2] or not _begins(there, room):
        room = _longer(there, length)
    room[:, :, seen:length] = new
    return room[:, :, :length], room


def _longer(there: torch.Tensor, length: int) -> torch.Tensor:
    """An array that begins with what is there, with room behind so many tokens."""
    room = there.new_empty((*there.shape[:2], length + _ROOM, there.shape[3]))
    room[:, :, : there.shape[2]] = there
    return room


def _begins(there: torch.Tensor, room: torch.Tensor) -> bool:
    """Whether what is there is the array's own beginning: rows that were selected anew are not."""
    same = there.data_ptr() == room.data_ptr() and there.stride() == room.stride()
    return bool(same and there.shape[:2] == room.shape[:2] and there.shape[3] == room.shape[3])


def roomy(cache: object) -> object:
    """The cache, with room in each layer that keeps all tokens; other layers and other caches are left as they are."""
    if isinstance(cache, DynamicCache) and type(cache) is DynamicCache:
        for layer in cache.layers:
            if type(layer) is DynamicLayer:
                layer.__class__ = RoomyLayer
    return cache


__all__ = ["RoomyLayer", "roomy"]
