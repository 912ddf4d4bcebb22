# SPDX-License-Identifier: Apache-2.0
"""Tcl that is made from the description: the dialog of the IP, and data for scripts/vivado."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..config import Rule, SatConfig
from .component import access, one_line
from .description import CLOCK, INTERRUPT, MEMORY, REGISTERS, RESET, Description, Parameter

HEADER = "# SPDX-License-Identifier: Apache-2.0\n# Written by `make package`; do not edit.\n"


def word(text: object) -> str:
    """A Tcl word that stands for the text as it is."""
    text = str(text)
    if re.search(r"[{}\\]", text):
        raise ValueError(f"{text!r} has braces or backslashes")
    return text if re.fullmatch(r"[\w.:/*-]+", text) else f"{{{text}}}"


def words(items: Iterable[object]) -> str:
    return "{" + " ".join(word(item) for item in items) + "}"


# Dialog

def dialog(ip: Description) -> str:
    """xgui: pages and tooltips, validation, and the values that reach the RTL."""
    pages = list(dict.fromkeys(parameter.page for parameter in ip.parameters))
    lines = [HEADER, "proc init_gui { IPINST } {",
             '  ipgui::add_param $IPINST -name "Component_Name"']
    for page in pages:
        handle = f"page_{page.lower()}"
        lines.append(f"  set {handle} [ipgui::add_page $IPINST -name {word(page)}]")
        for parameter in ip.parameters:
            if parameter.page != page:
                continue
            widget = "" if parameter.is_range else " -widget comboBox"
            lines += [f"  set {parameter.name} [ipgui::add_param $IPINST "
                      f"-name {word(parameter.name)} -parent ${handle}{widget}]",
                      f"  set_property tooltip {word(parameter.tooltip)} ${parameter.name}"]
    lines.append("}")
    rules = {rule.parameter: rule for rule in ip.rules}
    for parameter in ip.parameters:
        lines += ["", *validation(parameter, rules.get(parameter.name)), "", *transfer(parameter)]
    return "\n".join([*lines, ""])


def validation(parameter: Parameter, rule: Rule | None) -> list[str]:
    name = f"PARAM_VALUE.{parameter.name}"
    lines = [f"proc update_{name} {{ {name} }} {{", "}", ""]
    if rule is None:
        return [*lines, f"proc validate_{name} {{ {name} }} {{", "  return true", "}"]
    handles = " ".join(f"PARAM_VALUE.{used}" for used in rule.names)
    lines.append(f"proc validate_{name} {{ {handles} }} {{")
    lines += [f"  set {used} [get_property value ${{PARAM_VALUE.{used}}}]" for used in rule.names]
    condition = re.sub(r"[A-Z]\w*", r"$\g<0>", rule.condition)
    return [*lines, f"  if {{{condition}}} {{", "    return true", "  }",
            f"  set_property errmsg {word(rule.message)} ${{{name}}}", "  return false", "}"]


def transfer(parameter: Parameter) -> list[str]:
    model, user = f"MODELPARAM_VALUE.{parameter.name}", f"PARAM_VALUE.{parameter.name}"
    return [f"proc update_{model} {{ {model} {user} }} {{",
            f"  set_property value [get_property value ${{{user}}}] ${{{model}}}", "}"]


# Data for the Vivado scripts

def description(ip: Description) -> str:
    """The description as variables of the namespace sat_ip."""
    scalars = {
        "vendor": ip.vendor, "library": ip.library, "name": ip.name, "version": ip.version,
        "revision": ip.revision, "top": ip.top, "display_name": ip.display_name,
        "description": ip.description, "taxonomy": ip.taxonomy, "clock": CLOCK, "reset": RESET,
        "interrupt": INTERRUPT, "registers_bus": REGISTERS, "memory_bus": MEMORY,
    }
    lines = [HEADER, "namespace eval sat_ip {"]
    lines += [f"  variable {name} {word(value)}" for name, value in scalars.items()]
    lines += [f"  variable families {words(ip.families)}", "",
              "  # name default page label tooltip kind legal; kind list: all values, "
              "range: first and last", "  variable parameters {"]
    for parameter in ip.parameters:
        legal = (parameter.legal[0], parameter.legal[-1]) if parameter.is_range else parameter.legal
        entry = [parameter.name, parameter.default, parameter.page, parameter.label,
                 parameter.tooltip, "range" if parameter.is_range else "list"]
        lines.append(f"    {{{' '.join(map(word, entry))} {words(legal)}}}")
    lines += ["  }", "", "  # name offset access description fields; a field: name, lowest bit, "
              "bits, access, description", "  variable registers {"]
    for register in ip.registers:
        lines.append("    {" + " ".join(map(word, [
            register.inst_name, f"{register.absolute_address:#x}", access(register),
            one_line(register.get_property("name"))])) + " {")
        lines += ["      " + words([field.inst_name, field.low, field.width, access(field),
                                    one_line(field.get_property("desc"))])
                  for field in register.fields()]
        lines.append("    }}")
    lines += ["  }", "", "  # configuration: parameters of the top module",
              "  variable configurations {"]
    for name in SatConfig.names():
        settings = SatConfig.from_name(name).parameters()
        lines.append(f"    {name} " + words(part for pair in settings.items() for part in pair))
    return "\n".join([*lines, "  }", "}", ""])
