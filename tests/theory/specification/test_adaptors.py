"""[[adaptor]]: rules as keys, options in the value, engines, and what is refused with the entry's number."""

from __future__ import annotations

import pytest

from theory.adaptors.exact import chain
from theory.quantities.answer import answer
from theory.specification.finite import parse_specification
from theory.specification.reader import parse_document
from theory.specification.tables import SpecificationError

MODEL = """
[prior]
kind = "table"
strings = ["x", "y", "z", "w"]
probs = ["1/4", "1/4", "1/4", "1/4"]
[reward]
exp_values = ["1", "1", "1", "1"]
"""
AUTOMATON = """
[prior]
kind = "automaton"
alphabet = ["a"]
states = 1
initial = 0
stop = ["1/2"]
[[prior.arc]]
from = 0
to = 0
token = "a"
prob = "1/2"
[reward]
beta = "1"
token = {a = "0"}
"""


def entry(text: str) -> str:
    return f"{MODEL}[[adaptor]]\n{text}\n"


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ('name = "top_k"\nvalue = 2\nties = "all"', [("top_k", "2 ties=all")]),
        ('name = "nucleus"\nvalue = "1/2"\nboundary = "exceed"', [("nucleus", "1/2 boundary=exceed")]),
        (
            'name = ["top_k", "temperature", "nucleus"]\nvalue = [3, "2", "1/2"]\nties = "all"\nmass = "before"',
            [("top_k", "3 ties=all"), ("temperature", "2"), ("nucleus", "1/2 ties=all mass=before")],
        ),
        ('name = "xtc"\nvalue = "1/10 probability=1"', [("xtc", "1/10 probability=1")]),
        (
            'engine = "llama.cpp"\nsettings = {top_k = "0", min_p = 0, top_p = "1", temperature = "2"}',
            [("temperature", "2")],
        ),
        ('engine = "rwkv"', [("nucleus", "17/20 ties=all boundary=exceed")]),
    ],
)
def test_chains(text: str, steps: list[tuple[str, str]]) -> None:
    """The rules go to every step that knows them."""
    assert parse_specification(entry(text)).adaptors[0].chain == chain(*steps)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('name = "top_k"\nvalue = 2\nboundary = "exceed"', "adaptor 1: boundary is of no use to top_k 2"),
        ('name = "top_k"\nvalue = 2\nties = "some"', "adaptor 1: top_k, ties: needs lowest or all, got some"),
        ('name = "xtc"\nvalue = "1/10"\nnormalise = "global"', "adaptor 1: a chain with xtc has no global law"),
        ('engine = "llama.cpp"\nname = "top_k"\nvalue = 2', "adaptor 1: an engine brings its own names"),
        ('settings = {top_k = "1"}', "adaptor 1: settings are an engine's"),
        ('engine = "vllm"\nsettings = {top_p = "0"}', "adaptor 1: top_p = 0 is refused"),
        ('engine = "vllm"\nsettings = {top_p = true}', "adaptor 1, top_p: expected a number"),
        ('value = "1"', "adaptor 1: needs name and value, or engine and settings"),
    ],
)
def test_refused(text: str, message: str) -> None:
    """One line that names the entry."""
    with pytest.raises(SpecificationError) as error:
        parse_specification(entry(text))
    assert message in str(error.value)


def test_ties_and_boundaries_of_a_uniform_law() -> None:
    """Four equal strings at nucleus 1/2: log 2, log 3 and log 4 nats are left."""
    rules = ["", 'boundary = "exceed"', 'ties = "all"']
    found = answer(
        parse_document(MODEL + "".join(f'[[adaptor]]\nname = "nucleus"\nvalue = "1/2"\n{r}\n' for r in rules))
    )
    assert [round(own["entropy"], 12) for own in found["adaptors"]] == [0.69314718056, 1.098612288668, 1.386294361120]
    assert "chain" not in found["adaptors"][0]
    assert found["adaptors"][1]["chain"] == "nucleus 1/2 boundary=exceed"


def test_an_engine_says_what_it_does() -> None:
    """Its chain, and what it ignores, are notes; the keys are those of every adaptor."""
    text = entry('engine = "transformers.js"\nsettings = {top_p = "1/2", top_k = "2"}')
    found = answer(parse_document(text))
    assert found["adaptors"][0]["engine"] == "transformers.js"
    assert found["adaptors"][0]["entropy"] == pytest.approx(0.6931471805599453)
    assert any("top_p = 1/2 is ignored" in note for note in found["notes"])


def test_history_is_refused_on_automata() -> None:
    """An automaton's state does not fix the tokens before."""
    text = AUTOMATON + '[[adaptor]]\nname = "presence_penalty"\nvalue = "1"\n'
    with pytest.raises(SpecificationError, match="adaptor 1: presence_penalty needs the tokens before"):
        answer(parse_document(text))


@pytest.mark.parametrize("name", ["dynamic_temperature", "quadratic", "xtc"])
def test_bent_laws_on_automata(name: str) -> None:
    """Stop or go at 1/2: dynamic temperature of a uniform law is uniform; the local law is the prior's."""
    text = AUTOMATON + f'[[adaptor]]\nname = "{name}"\nvalue = "1/2"\n'
    (found,) = answer(parse_document(text))["adaptors"]
    assert found["status"] in {"OK", "LEAKS"}
    if name != "xtc":
        assert found["entropy"] == pytest.approx(1.3862943611198906)
