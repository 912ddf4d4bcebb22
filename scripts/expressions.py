# SPDX-License-Identifier: Apache-2.0
"""Expressions of spec/commands.yaml in Python, Verilog and C.

They are Python's conditional, boolean and arithmetic expressions over names, numbers and calls of
one argument. A `Dialect` says how a language spells them.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Dialect:
    """`names` and `calls` replace names and functions; a call's text has a {} for its argument."""

    names: Mapping[str, str]
    calls: Mapping[str, str]
    choice: str = "{test} ? {yes} : {no}"
    both: str = " && "
    either: str = " || "
    negation: str = "!{}"
    number: str = "{}"

    def __call__(self, text: str) -> str:
        """The expression `text` in this language. KeyError names what it does not know."""
        return self._write(parse(text))

    def _write(self, node: ast.expr) -> str:
        match node:
            case ast.Name(id=name):
                return self.names[name]
            case ast.Constant(value=int(number)):
                return self.number.format(number)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self.negation.format(self._inner(operand))
            case ast.BoolOp(op=operator, values=values):
                sign = self.both if isinstance(operator, ast.And) else self.either
                return sign.join(self._inner(value) for value in values)
            case ast.IfExp(test=test, body=yes, orelse=no):
                # Right associative in all three languages: chains need no parentheses.
                return self.choice.format(test=self._inner(test), yes=self._inner(yes),
                                          no=self._write(no))
            case ast.BinOp(op=ast.Mult(), left=left, right=right):
                return f"{self._inner(left)} * {self._inner(right)}"
            case ast.Tuple(elts=values):
                return f"({', '.join(self._write(value) for value in values)})"
            case ast.Call(func=ast.Name(id=name), args=[argument]):
                return self.calls[name].format(self._write(argument))
        raise ValueError(f"{ast.unparse(node)}: an expression that spec/ does not have")

    def _inner(self, node: ast.expr) -> str:
        text = self._write(node)
        closed = isinstance(node, ast.Name | ast.Constant | ast.Call | ast.UnaryOp
                            | ast.Tuple)
        return text if closed else f"({text})"


def parse(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def part(text: str, index: int) -> str:
    """Of an expression whose values are pairs: the expression of one of the two."""
    def cut(node: ast.expr) -> ast.expr:
        if isinstance(node, ast.IfExp):
            yes, no = cut(node.body), cut(node.orelse)
            same = ast.dump(yes) == ast.dump(no)
            return yes if same else ast.IfExp(node.test, yes, no)
        if isinstance(node, ast.Tuple) and len(node.elts) == 2:
            return node.elts[index]
        raise ValueError(f"{text}: not a pair")

    return ast.unparse(ast.fix_missing_locations(cut(parse(text))))


def cases(text: str) -> list[tuple[str, str]]:
    """(value, condition) of a chain of conditionals; the last condition is empty."""
    node, found = parse(text), []
    while isinstance(node, ast.IfExp):
        found.append((ast.unparse(node.body), ast.unparse(node.test)))
        node = node.orelse
    return [*found, (ast.unparse(node), "")]
