# SPDX-License-Identifier: Apache-2.0
"""What is generated from spec/configs.yaml: the check of sat_top's parameters, and their table."""

from __future__ import annotations

import re

from sat.config import Parameter, parameters, rules
from scripts.operands import render


def condition(parameter: Parameter) -> str:
    """What must hold of a parameter alone, in Verilog."""
    name, legal = parameter.name, parameter.legal
    if len(legal) <= 3:
        return " || ".join(f"{name} == {value}" for value in legal)
    kind = "in_range" if parameter.is_range else "is_power"
    return f"{kind}({name}, {legal[0]}, {legal[-1]})"


def identifier(text: str) -> str:
    return re.sub(r"\W+", "_", text.lower()).strip("_")


def verilog_limits(note: str) -> str:
    checks = [{"condition": condition(parameter), "label": parameter.name.lower(),
               "text": identifier(f"{parameter.name} must be {parameter.words}")}
              for parameter in parameters().values()]
    checks += [{"condition": rule.condition, "label": f"{rule.parameter.lower()}_rule",
                "text": identifier(rule.message.split(",")[0])} for rule in rules()]
    return render("sat_limits.v.j2", note=note, parameters=parameters().values(), checks=checks)


def parameter_table() -> str:
    lines = ["| parameter | default | legal | meaning |", "|---|---|---|---|"]
    for name, parameter in parameters().items():
        legal = [parameter.words, *(f"`{rule.condition}`" for rule in rules()
                                    if rule.parameter == name)]
        lines.append(f"| `{name}` | {parameter.default} | {', '.join(legal)} "
                     f"| {parameter.meaning} |")
    return "\n".join(lines)
