# SPDX-License-Identifier: Apache-2.0
"""What is generated from the `commands` of spec/commands.yaml besides constants: the rules of
fields and operands in Verilog, Python and C, and the tables of docs/reference/commands.md."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import jinja2

from scripts.expressions import Dialect, cases, part

TEMPLATES = Path(__file__).resolve().parent / "templates"
SIZES = ("ROWS", "COLS", "DEPTH")  # a size is checked as a whole word
WORD = 0xFFFFFFFF
ALWAYS = "always"
PYTHON_BITS = {"FP16": "HALF", "FP32": "SINGLE", "INDEX": "NIBBLE"}
FORMATS = ("FP16", "FP32", "INDEX")


def render(template: str, **values: object) -> str:
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES),
                                     undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    return environment.get_template(template).render(**values)


def flag_names(command: dict) -> list[str]:
    return [name for name, bit in command["flags"].items() if not isinstance(bit, list)]


def is_vector(operand: dict) -> bool:
    return operand["shape"] == "vector"


def legal_flags(command: dict) -> int:
    """The bits of the flags word that mean something."""
    return sum(((1 << bit[1]) - 1) << bit[0] if isinstance(bit, list) else 1 << bit
               for bit in command["flags"].values())


def field_words(spec: dict, command: dict) -> list[list[tuple[str, int]]]:
    """For each word before the slots: (condition, bits that it allows), ALWAYS among them."""
    words: list[list[tuple[str, int]]] = [[] for _ in range(spec["slot_word"])]
    fields = {"OPCODE": ALWAYS, **command["fields"]}
    windows = fields.pop("WINDOWS", None)
    if windows:
        fields |= dict.fromkeys(spec["windows"], windows)
    for name, when in fields.items():
        word, low, bits = spec["fields"][name]
        words[word].append((when, WORD if name in SIZES else ((1 << bits) - 1) << low))
    words[spec["fields"]["FLAGS"][0]].append((ALWAYS, legal_flags(command)))
    return words


# ---- Verilog ----------------------------------------------------------------------------------


def verilog_dialect(name: str, command: dict, sizes: dict[str, str]) -> Dialect:
    flags = {flag: f"flags_i[`SAT_FLAG_{name}_{flag}]" for flag in flag_names(command)}
    formats = {format: f"ELEM_{format}" for format in FORMATS}
    return Dialect({**flags, **formats, **sizes, "dense": "dense_i"}, {"kept": "{}"},
                   choice="{test} ? {yes}\n                   : {no}", number="25'd{}")


def verilog_operands(name: str, command: dict) -> list[dict[str, object]]:
    narrow = {size: f"{size}_i" for size in ("rows", "cols", "depth", "pixels", "results")}
    wide = {size: f"{{1'b0, {port}}}" for size, port in narrow.items()}
    of_cols = verilog_dialect(name, command, narrow)
    of_rows = verilog_dialect(name, command, wide | {"reduction": "reduction_i"})
    found = []
    for slot, operand in command["operands"].items():
        entry = {"macro": f"`SAT_SLOT_{name}_{slot}", "vector": is_vector(operand),
                 "used": of_cols(operand["used"]) if "used" in operand else "1'b1"}
        if not is_vector(operand):
            rows, cols = (part(operand["shape"], index) for index in (0, 1))
            entry |= {"rows": of_rows(rows), "cols": of_cols(cols),
                      "elem": of_cols(operand["format"]), "compressed": "kept(" in rows}
        found.append(entry)
    return found


def verilog_word(dialect: Dialect, allowed: list[tuple[str, int]]) -> str:
    masks: dict[str, int] = {ALWAYS: 0}
    for when, bits in allowed:
        masks[when] = masks.get(when, 0) | bits
    terms = [f"32'h{masks.pop(ALWAYS):08x}"]
    terms += [f"({dialect(when)} ? 32'h{bits:08x} : 32'd0)" for when, bits in masks.items()]
    return " | ".join(terms if len(terms) == 1 or terms[0] != "32'h00000000" else terms[1:])


def verilog_shape(spec: dict, note: str) -> str:
    commands = [{"name": name, "operands": verilog_operands(name, command)}
                for name, command in spec["commands"].items()]
    return render("sat_cmd_shape.v.j2", note=note, commands=commands)


def verilog_flags(spec: dict, note: str) -> str:
    commands = []
    for name, command in spec["commands"].items():
        dialect = verilog_dialect(name, command, {})
        words = [verilog_word(dialect, allowed) for allowed in field_words(spec, command)]
        requires = command.get("requires")
        commands.append({"name": name, "words": words[::-1],
                         "requires": requires and dialect(requires)})
    return render("sat_cmd_flags.v.j2", note=note, commands=commands, slot_word=spec["slot_word"])


# ---- Python -----------------------------------------------------------------------------------


def python_dialect(name: str, command: dict) -> Dialect:
    flags = {flag: f"d.has({name.capitalize()}Flag.{flag})" for flag in flag_names(command)}
    sizes = {size: f"d.{size}" for size in ("rows", "cols", "depth", "dense")}
    windows = {"pixels": "d.windows.pixels", "windows": "d.windows.count",
               "positions": "d.windows.positions"}
    shared = {size: size for size in command.get("let", {})}
    return Dialect({**flags, **sizes, **windows, **PYTHON_BITS, **shared},
                   {"kept": "d.kept({})", "padded": "d.padded({})"},
                   choice="{yes} if {test} else {no}", both=" and ", either=" or ",
                   negation="not {}")


def python_lines(name: str, command: dict) -> list[str]:
    """The body of a command's function."""
    say = python_dialect(name, command)
    lines = [line for size, text in command.get("let", {}).items()
             for line in wrap(f"{size} = ({say(text)})")]
    for slot, operand in command["operands"].items():
        place = f"{name.capitalize()}Slot.{slot}"
        if is_vector(operand):
            shape, bits = "(1, d.cols)", "SINGLE"
        else:
            shape, bits = say(operand["shape"]), say(operand["format"])
        roles = python_roles(say, operand["access"])
        roles += ["vector=True"] if is_vector(operand) else []
        roles += [f"{role}={operand[role] == ALWAYS or say(operand[role])}"
                  for role in ("seen", "phased") if role in operand]
        lines += [f"if {say(operand['used'])}:"] if "used" in operand else []
        indent = "    " if "used" in operand else ""
        lines += wrap(f"{indent}yield Operand({', '.join([place, shape, bits, *roles])})")
    return lines or ["yield from ()"]


def wrap(line: str) -> list[str]:
    """Lines of a function's body, aligned behind the first parenthesis."""
    return textwrap.wrap(line, 96, subsequent_indent=(line.index("(") + 1) * " ")


def python_roles(say: Callable[[str], str], access: str) -> list[str]:
    if access == "both":
        return ["read=True", "written=True"]
    found = []
    for role, keyword in (("read", "read"), ("write", "written")):
        tests = [test for value, test in cases(access) if value == role]
        others = [test for value, test in cases(access) if value != role and test]
        if tests and tests[0]:
            found.append(f"{keyword}={say(tests[0])}")
        elif tests:
            found.append(f"{keyword}={f'not {say(others[0])}' if others else True}")
    return found


def python_operands(spec: dict, note: str) -> str:
    commands = [{"name": name, "lines": python_lines(name, command)}
                for name, command in spec["commands"].items()]
    text = "\n".join(line for command in commands for line in command["lines"])
    names = [f"{name.capitalize()}{kind}" for name in spec["commands"] for kind in ("Flag", "Slot")]
    imports = sorted([name for name in names if f"{name}." in text] + ["Opcode"])
    return render("operands.py.j2", note=note, commands=commands, imports=imports)


def python_rules(spec: dict) -> list[str]:
    """Constants about fields and flags, for defs.py."""
    def mask(command: dict, name: str, text: str) -> str:
        return " | ".join(f"{name.capitalize()}Flag.{flag}" for flag in text.split(" or "))

    lines = ["", "# Fields of the windows over a feature map.", "WINDOW_FIELDS = ("]
    lines += [f'    "{name}",' for name in spec["windows"]]
    lines += [")", "", "# Fields that a command may set besides OPCODE and FLAGS: always (0), or",
              "# with a flag. WINDOWS stands for WINDOW_FIELDS.",
              "FIELDS_USED: dict[int, dict[str, int]] = {"]
    for name, command in spec["commands"].items():
        lines.append(f"    Opcode.{name}: {{")
        lines += [f'        "{field}": {0 if when == ALWAYS else mask(command, name, when)},'
                  for field, when in command["fields"].items()]
        lines.append("    },")
    lines += ["}", "", "# Bits of the flags word that mean something.",
              "LEGAL_FLAGS: dict[int, int] = {"]
    lines += [f"    Opcode.{name}: {legal_flags(command):#x},"
              for name, command in spec["commands"].items()]
    lines += ["}", "", "# Flags of which at least one is set.",
              "REQUIRED_FLAGS: dict[int, int] = {"]
    lines += [f"    Opcode.{name}: {mask(command, name, command['requires'])},"
              for name, command in spec["commands"].items() if "requires" in command]
    lines += ["}", "", "# The inputs that an output may be, as the same matrix.",
              "IN_PLACE: dict[tuple[int, int], list[int]] = {"]
    for name, command in spec["commands"].items():
        slots = f"{name.capitalize()}Slot"
        for output, operand in command["operands"].items():
            if inputs := [f"{slots}.{other}" for other in operand.get("in_place", ())]:
                lines.append(f"    (Opcode.{name}, {slots}.{output}): [{', '.join(inputs)}],")
    return [*lines, "}"]


# ---- C ----------------------------------------------------------------------------------------


def c_operands(spec: dict, note: str) -> str:
    commands = []
    for name, command in spec["commands"].items():
        shared = command.get("let", {})
        flags = {flag: f"sat_has(d, SAT_FLAG_{name}_{flag})" for flag in flag_names(command)}
        sizes = {size: f"d->{size}" for size in ("rows", "cols", "depth", "pixels", "windows",
                                                 "positions")}
        say = Dialect({**flags, **sizes, **{format: f"SAT_{format}" for format in FORMATS},
                       **{size: size for size in shared}, "dense": "(d->n == d->m)"},
                      {"kept": "sat_kept({}, d->n, d->m)", "padded": "sat_padded({}, d->n, d->m)"})
        operands = []
        for slot, operand in command["operands"].items():
            value = "sat_vector_of(d->cols)"
            if not is_vector(operand):
                rows, cols = (say(part(operand["shape"], index)) for index in (0, 1))
                value = f"sat_matrix_of({rows}, {cols}, {say(operand['format'])})"
            operands.append({"macro": f"SAT_SLOT_{name}_{slot}", "value": value,
                             "used": say(operand["used"]) if "used" in operand else "true"})
        commands.append({"name": name, "operands": operands,
                         "shared": {size: say(text) for size, text in shared.items()}})
    return render("sat_operands.h.j2", note=note, commands=commands)


# ---- Documents --------------------------------------------------------------------------------


def prose_dialect(command: dict) -> Dialect:
    flags = {flag: f"`{flag.lower()}`" for flag in flag_names(command)}
    sizes = {size: size for size in ("rows", "cols", "depth", "pixels", "windows", "positions",
                                     *command.get("let", {}))}
    formats = {"FP16": "FP16", "FP32": "FP32", "INDEX": "4-bit indices"}
    access = {"read": "read", "write": "write", "both": "read, write"}
    return Dialect({**flags, **sizes, **formats, **access, "dense": "N = M"},
                   {"kept": "kept({})", "padded": "padded({})"}, both=" and ", either=" or ",
                   negation="not {}")


def condition(say: Dialect, test: str) -> str:
    return say(test).replace("not N = M", "N < M").replace("not ", "without ")


def prose(say: Dialect, text: str, show: Callable[[str], str] = str) -> str:
    """A chain of conditionals: value with this flag, value with that, else value."""
    found = []
    for value, test in cases(text):
        when = condition(say, test) if test else ""
        if when and not when.startswith("without"):
            when = f"with {when}"
        found.append(f"{show(value)} {when}".rstrip())
    return found[0] if len(found) == 1 else ", ".join(found[:-1]) + ", else " + found[-1]


def in_place(operand: dict) -> str:
    inputs = [f"`{name.lower()}`" for name in operand.get("in_place", ())]
    return f"; may be {' or '.join(inputs)}" if inputs else ""


def slot_table(command: dict) -> str:
    """The slots of a command as a Markdown table, and the sizes that they share."""
    say = prose_dialect(command)

    def shape(value: str) -> str:
        return "`" + "".join(f"[{say(part(value, index))}]" for index in (0, 1)) + "`"

    lines = ["| slot | tensor | shape | format | access | used |", "|---|---|---|---|---|---|"]
    for name, operand in command["operands"].items():
        vector = is_vector(operand)
        cells = [str(operand["slot"]), f"`{name.lower()}`",
                 "`[1][cols]`, stride zero" if vector else prose(say, operand["shape"], shape),
                 "FP32" if vector else prose(say, operand["format"], say),
                 prose(say, operand["access"], say) + in_place(operand),
                 condition(say, operand["used"]) if "used" in operand else "always"]
        lines.append("| " + " | ".join(cells) + " |")
    shared = [f"`{name}`: {prose(say, text, lambda value: f'`{say(value)}`')}"
              for name, text in command.get("let", {}).items()]
    return "\n".join([*lines, *(["", "; ".join(shared) + "."] if shared else [])])
