# SPDX-License-Identifier: Apache-2.0
"""Expressions of the specification mean the same in every language."""

import pytest

from scripts.expressions import Dialect, cases, part

pytestmark = pytest.mark.quick
NAMES = {name: name for name in ("a", "b", "x", "y")}
VERILOG = Dialect(NAMES, {"kept": "kept_of({})"})
PYTHON = Dialect(NAMES, {"kept": "kept({})"}, choice="{yes} if {test} else {no}", both=" and ",
                 either=" or ", negation="not {}")


@pytest.mark.parametrize("text, verilog", [
    ("x if a else y", "a ? x : y"),
    ("x if not a else y if a and b else x * y", "!a ? x : (a && b) ? y : x * y"),
    ("(x if a else y) if b else x", "b ? (a ? x : y) : x"),
    ("not (a or b) and a", "!(a || b) && a"),
    ("x * kept(y)", "x * kept_of(y)"),
])
def test_languages_agree(text, verilog):
    """Python's side is evaluated, for all values."""
    assert VERILOG(text) == verilog
    for bits in range(4):
        values = {"a": bits & 1, "b": bits >> 1, "x": 3, "y": 5, "kept": lambda value: value - 1}
        assert eval(PYTHON(text), dict(values)) == eval(text, dict(values))


def test_pairs_are_cut():
    text = "(x, y) if a else (y, x) if b else (y, y)"
    assert part(text, 0) == "x if a else y"
    assert part(text, 1) == "y if a else x if b else y"
    assert part("(x, y) if a else (y, y)", 1) == "y"
    assert cases("x if a else y") == [("x", "a"), ("y", "")]


@pytest.mark.parametrize("text", ["x + y", "x < y", "f'{x}'"])
def test_what_no_language_needs_is_refused(text):
    with pytest.raises(ValueError, match="does not have"):
        VERILOG(text)


def test_unknown_names_are_named():
    with pytest.raises(KeyError, match="colour"):
        VERILOG("colour")
