"""TOML with long arrays against tomllib: the same values, and the same refusals."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory.specification import long_arrays
from theory.specification.long_arrays import loads

LONG = ", ".join(f'"{k}/7"' for k in range(600))


def outcome(read: Any, text: str) -> tuple[str, str]:
    """What reading gives, or the error with its place."""
    try:
        return "read", repr(read(text))
    except ValueError as error:
        return "refused", str(error)


@pytest.mark.parametrize(
    "text",
    [
        f"a = [{LONG}]\nb = 1\n",
        f"[prior]\nprobs = [\n  {LONG},\n]\n[reward]\nvalues = [{LONG}] # end\n",
        f"a = [{LONG}]\r\nb = 2\r\n",
        f"a =\t[{LONG}]",
        f"# a = [{LONG}]\nb = 1",
        f'b = """\na = [{LONG}]\n"""\n',
        f"b = '''\na = [{LONG}]\n'''\n",
        f"a = [{LONG}, 1]",
        f"a = [[{LONG}], [{LONG}]]",
        f"a = [{LONG}] \nb = ['array0']\nc = ['array_1']\nd = [{LONG}]",
        f"a = [\n# a comment\n{LONG}]",
        f'a = [{LONG}, "a quote \\" and \\u00e9"]',
        f"a = {{b = [{LONG}]}}",
        f'a = [{LONG}, "é 中"]',
        f"[[a]]\nb = [{LONG}]\n[[a]]\nb = [{LONG}]\n",
    ],
)
def test_what_tomllib_reads(text: str) -> None:
    """The same dictionary, whatever stands around a long array."""
    assert loads(text) == tomllib.loads(text)


@pytest.mark.parametrize(
    "text",
    [
        f"a = [{LONG}]\na = [{LONG}]",
        f"a = [{LONG}] b = 1",
        f"a = [{LONG}]]\n",
        f"a = [{LONG}\n",
        f"x = [\na = [{LONG}]\n]",
        f"a = [{LONG},, '1']",
        f"a = [{LONG}]\n\n\nb = =\n",
        f"a = [\n{LONG}\n]\n\nb = \x01\n",
        f'a = ["tab\there", "nul\x00", {LONG}]',
        f"a = [{LONG}]\rb = 1",
    ],
)
def test_what_tomllib_refuses(text: str) -> None:
    """The same error, with the line and column in the file as it is."""
    assert outcome(loads, text) == outcome(tomllib.loads, text)
    assert outcome(loads, text)[0] == "refused"


@given(
    st.lists(
        st.sampled_from(
            [
                'a = ["x", "y"]',
                "b = [",
                '"z",',
                "]",
                "c = 1",
                "#",
                "\n",
                " ",
                '"',
                "'",
                "array0",
                "=",
                "\r\n",
                "\\",
                '["array0"]',
                '"""',
            ]
        ),
        max_size=14,
    )
)
def test_pieces_of_documents(pieces: list[str]) -> None:
    """Anything: read or refused as tomllib does, with no array too short to be taken out."""
    before, long_arrays._SHORT = long_arrays._SHORT, 0
    try:
        for glue in ("", "\n"):
            text = glue.join(pieces)
            assert outcome(loads, text) == outcome(tomllib.loads, text)
    finally:
        long_arrays._SHORT = before
