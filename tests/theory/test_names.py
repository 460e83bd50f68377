"""Names that a package hands on late: the same things as in their modules, and nothing else."""

from __future__ import annotations

import importlib
from types import ModuleType

import pytest

import simulations
import theory
from theory.names import handed_on


@pytest.mark.parametrize("package", [theory, simulations], ids=lambda package: package.__name__)
def test_every_name_is_there(package: ModuleType) -> None:
    """``__all__`` lists them, dir() shows them, and each is what its module has under that name."""
    assert dir(package) == sorted(package.__all__)
    for name in package.__all__:
        thing = getattr(package, name)
        home = getattr(thing, "__module__", None)
        if isinstance(home, str) and home.startswith(package.__name__):
            assert thing is getattr(importlib.import_module(home), name)


@pytest.mark.parametrize("package", [theory, simulations], ids=lambda package: package.__name__)
def test_other_names_are_refused(package: ModuleType) -> None:
    """As by any module: hasattr is false, and an import says what cannot be imported."""
    with pytest.raises(AttributeError, match=rf"^module '{package.__name__}' has no attribute 'nothing'$"):
        _ = package.nothing
    with pytest.raises(ImportError, match="cannot import name 'nothing'"):
        exec(f"from {package.__name__} import nothing")


def test_a_module_is_imported_when_it_is_asked_for() -> None:
    """Not when the names are handed on: a module that is not there does no harm until then."""
    look_up, names = handed_on("shop", {"math": "pi tau", "no_such_module": "bread"})
    assert names() == ["bread", "pi", "tau"]
    assert look_up("pi") == pytest.approx(3.14159265)
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        look_up("bread")
