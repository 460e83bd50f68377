"""Claims from outside the project: of a file, or of an installed package.

A file has ``CLAIMS = (...)``, and ``EXPERIMENTS = (...)`` where samples repeat them. A package names its claims, one or
a tuple of them, as an entry point of the group "probqual.claims".
"""

from __future__ import annotations

import functools
import importlib.util
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib import metadata
from pathlib import Path
from types import ModuleType

from theory.claims.claim import Claim

GROUP = "probqual.claims"


@functools.cache
def _module(path: Path) -> ModuleType:
    """A file as a module, run once.

    Raises:
        ValueError: it cannot be read, or running it fails.
    """
    name = f"claims_of_{path.stem}_{abs(hash(path)):x}"
    spec = importlib.util.spec_from_file_location(name, path)
    if path.suffix != ".py" or not path.is_file() or spec is None or spec.loader is None:
        raise ValueError(f"{path}: a file of claims is a Python file, NAME.py, that exists")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        reason = " ".join(str(error).split())[:200]
        raise ValueError(f"{path}: running it fails: {type(error).__name__}: {reason}") from error
    return module


def of_file(path: Path) -> tuple[Claim, ...]:
    """The claims of a file.

    Raises:
        ValueError: the file cannot be run, or it has no ``CLAIMS``, or something in it is no claim.
    """
    path = path.resolve()
    found = getattr(_module(path), "CLAIMS", None)
    if found is None:
        raise ValueError(f"{path}: there is no CLAIMS = (...) in it")
    return _claims(found, str(path))


def experiments_of_file(path: Path) -> tuple[Callable[..., Iterable[object]], ...]:
    """The comparisons by sampling that a file has: functions of a ``Setting``; none where it has no ``EXPERIMENTS``.

    Raises:
        ValueError: the file cannot be run, or something in ``EXPERIMENTS`` is no function.
    """
    found = getattr(_module(path.resolve()), "EXPERIMENTS", ())
    for one in found:
        if not callable(one):
            raise ValueError(f"{path}: EXPERIMENTS holds {type(one).__name__}, and must hold functions of a Setting")
    return tuple(found)


@functools.cache
def installed() -> dict[str, Claim]:
    """{id: claim} of the installed packages that name some as entry points.

    Raises:
        ValueError: names the entry point that cannot be used.
    """
    found: dict[str, Claim] = {}
    for point in metadata.entry_points(group=GROUP):
        try:
            value = point.load()
        except Exception as error:
            raise ValueError(f"entry point {point.name} of {GROUP}: {type(error).__name__}: {error}") from error
        for claim in _claims(value, f"entry point {point.name} of {GROUP}"):
            found[claim.id] = claim
    return found


def _claims(found: object, where: str) -> tuple[Claim, ...]:
    listed: Sequence[object] = found if isinstance(found, tuple | list) else (found,)
    claims = tuple(one for one in listed if isinstance(one, Claim))
    if len(claims) < len(listed) or not claims:
        strange = next((type(one).__name__ for one in listed if not isinstance(one, Claim)), "nothing")
        raise ValueError(f"{where}: expected claims (theory.claims.claim.Claim), got {strange}")
    ids = [claim.id for claim in claims]
    if len(set(ids)) < len(ids):
        raise ValueError(f"{where}: two claims have the id {next(i for i in ids if ids.count(i) > 1)!r}")
    return claims


__all__ = ["GROUP", "experiments_of_file", "installed", "of_file"]
