"""Numbers beside figures: twelve digits, or those that are certain on every processor."""

from __future__ import annotations

from figures.gallery import GALLERY, as_csv, digits


def test_the_last_bits_do_not_show() -> None:
    """Two float64 sums of the same terms in another order print the same."""
    terms = [0.1 * k for k in range(1, 40)]
    one, two = sum(terms), sum(reversed(terms))
    noise = sum([0.1, 0.2, -0.3])
    assert one != two
    assert noise != 0
    assert as_csv([{"x": one * 1e-7, "y": noise}], 8) == as_csv([{"x": two * 1e-7, "y": 0.0}], 8)
    assert as_csv([{"x": 1 / 3e6}], 8) == "x\n3.333e-07\n"
    assert as_csv([{"x": 123456.789012345}], 8) == "x\n123456.79\n"


def test_which_figures_print_fewer() -> None:
    """Those whose numbers are sums in float64."""
    assert {name for name in GALLERY if digits(name) < 12} == {
        *("toy", "typical", "plane", "exchange", "simpson", "metropolis", "automata", "speeches")
    }
