"""Tiny programs as LP files in a dialect drawn at random: every spelling that is read."""

from collections.abc import Iterable

from tiny import INF, Dialect, Row, Tiny, Variable

COMMON = ("x", "Y_2", "e1", "z", "d", "a.b", "_t")
NAMES = (*COMMON, "x[1,2]", "é", "q(3)")
TURNED = {"<": ">", ">": "<", "=": "="}


def lp(meant: Tiny, draw: Dialect) -> bytes:
    sections = [bounds(meant, draw), kinds(meant, draw)]
    rows = "".join(f" {spread(row(name, one, draw), draw)}\n" for name, one in meant.rows.items())
    sections.append(f"{draw.spelling(['Subject To', 'subject to', 'st', 'ST'], ['such that', 's.t.', 'st.'])}\n{rows}")
    if not draw.rare(0.3):
        sections = [sections[2], *sections[:2]]
    word = "max" if meant.maximise else "min"
    sense = draw.spelling([f"{word.title()}imize", word, f"{word.upper()}IMUM"], [f"{word}imise"])
    terms = expression(extended(meant.cost, meant.variables, draw), meant.offset, draw)
    label = ["obj:"] if draw.random() < 0.6 else []
    text = f"{sense}\n {spread([*label, *terms], draw)}\n{''.join(sections)}{draw.choice(['End', 'END', 'end'])}\n"
    text = "\n".join(f"{line} \\ x >= 1" if draw.random() < 0.05 else line for line in text.split("\n"))
    ends = draw.choice(["\n", "\n", "\r\n"])
    return (("\ufeff" if draw.rare(0.3) else "") + text.replace("\n", ends)).encode()


def extended(cost: dict[str, float], variables: Iterable[str], draw: Dialect) -> list[tuple[str, float]]:
    """The terms of the objective with those of nothing, so that each variable stands somewhere."""
    terms = [*cost.items(), *((name, 0.0) for name in variables if name not in cost)]
    draw.shuffle(terms)
    return terms


def expression(terms: Iterable[tuple[str, float]], constant: float, draw: Dialect) -> list[str]:
    """The words of a sum; a term may be split in two, and so may the constant."""
    parts: list[tuple[str, float]] = []
    for name, size in [*terms, *([("", constant)] if constant else [])]:
        split = draw.choice((1.0, -0.5)) if draw.rare(0.1) else 0.0
        parts += [(name, size - split), (name, split)] if split else [(name, size)]
    words: list[str] = []
    for name, size in parts:
        minus = size < 0
        if draw.rare(0.05):
            words += ["-"]
            minus = not minus
        if minus or words or draw.random() < 0.2:
            words.append("-" if minus else "+")
        words += term(name, abs(size), draw)
    return words


def term(name: str, size: float, draw: Dialect) -> list[str]:
    if not name:
        return [number(size, draw)]
    if size == 1 and draw.random() < 0.7:
        return [name]
    glued = name[0].isascii() and name[0].isalpha() and name[0] not in "eEdD" and draw.rare(0.3)
    if glued:
        return [f"{number(size, draw).rstrip('.')}{name}"]
    return [number(size, draw), *(["*"] if draw.rare(0.1) else []), name]


def number(size: float, draw: Dialect) -> str:
    rare = [f"0{size:g}", *([f"{size:.2f}"[1:]] if size < 1 else []), *([f"{size:g}."] if size == int(size) else [])]
    return draw.spelling([f"{size:g}", f"{size:g}", f"{size:.2f}", f"{size:.3e}", repr(float(size))], rare)


def row(name: str, one: Row, draw: Dialect) -> list[str]:
    terms = list(one.terms.items())
    draw.shuffle(terms)
    shift = float(draw.randint(-3, 3)) if draw.rare(0.2) else 0.0
    label = [f"{name}:"]
    if one.low != one.high and INF not in (-one.low, one.high):
        low, high = signed(one.low + shift, draw), signed(one.high + shift, draw)
        middle = expression(terms, shift, draw)
        if draw.random() < 0.5:
            return [*label, *low, relation("<", draw), *middle, relation("<", draw), *high]
        return [*label, *high, relation(">", draw), *middle, relation(">", draw), *low]
    kind, side = ("=", one.low) if one.low == one.high else (">", one.low) if one.high == INF else ("<", one.high)
    moved = terms[: len(terms) // 2] if draw.rare(0.15) else []
    left = expression(terms[len(moved) :], shift, draw)
    if moved:
        right = expression([(name, -size) for name, size in moved], side + shift, draw)
    else:
        right = signed(side + shift, draw)
    if draw.rare(0.2):
        left, right, kind = right, left, TURNED[kind]
    return [*label, *left, relation(kind, draw), *right]


def signed(value: float, draw: Dialect) -> list[str]:
    if abs(value) == INF:
        return ["-" if value < 0 else "+", draw.choice(["inf", "Infinity", "1e30"])]
    return [*(["-"] if value < 0 else draw.choice([[], [], ["+"]])), number(abs(value), draw)]


def relation(kind: str, draw: Dialect) -> str:
    return draw.spelling([f"{kind}=", kind] if kind != "=" else ["="], {"<": ["=<"], ">": ["=>"], "=": ["=="]}[kind])


def spread(words: list[str], draw: Dialect) -> str:
    """The words with blanks between them, or none where they may touch, or an end of line where a row goes on."""
    text = ""
    related = False
    for before, word in zip(["", *words], words, strict=False):
        operator = before in ("+", "-", "*") or before[:1] in "<>="
        free = not before or operator or word in ("+", "-", "*") or word[:1] in "<>="
        if before and draw.random() < 0.1 and (operator or before.endswith(":") or not related):
            text += draw.choice(["\n ", "\n\n\t", " \\ note\n "])
        elif not free or draw.random() < 0.8:
            text += draw.choice([" ", " ", "  ", "\t"]) if before else ""
        text += word
        related = related or word[:1] in "<>="
    return text


def bounds(meant: Tiny, draw: Dialect) -> str:
    lines = [line for name, one in meant.variables.items() for line in bound(name, one, draw)]
    draw.shuffle(lines)
    return "".join(["Bounds\n", *(f" {line}\n" for line in lines)]) if lines or draw.random() < 0.3 else ""


def bound(name: str, one: Variable, draw: Dialect) -> list[str]:
    low, high = "".join(signed(one.low, draw)), "".join(signed(one.high, draw))
    if one.binary and (draw.common or draw.random() < 0.7):
        return [f"{name} <= 7" if draw.random() < 0.5 else f"{name} free"] if draw.rare(0.3) else []
    if (one.low, one.high) == (0, INF):
        return draw.choice([[], [], [f"{name} >= 0"], [f"0 <= {name} <= inf"]])
    if (one.low, one.high) == (-INF, INF):
        return [draw.choice([f"{name} free", f"{name} FREE", f"-inf <= {name} <= inf", f"{name} >= -inf"])]
    if one.low == one.high:
        return [draw.choice([f"{name} = {low}", f"{low} = {name}", f"{low} <= {name} <= {high}"])]
    both = [[f"{low} <= {name} <= {high}"], [f"{high}>={name}>={low}"], [f"{name} >= {low}", f"{name} <= {high}"]]
    if one.low == 0:
        both += [[f"{name} <= {high}"], [f"{high} >= {name}"]]
    return draw.choice(both)


def kinds(meant: Tiny, draw: Dialect) -> str:
    """General and Binary; a binary variable with bounds of its own may be called general."""
    general, binary = [], []
    for name, one in meant.variables.items():
        (binary if one.binary else general if one.integer else []).append(name)
    text = ""
    for heads, names in ((("General", "Generals", "gen", "Integer"), general), (("Binary", "Binaries", "bin"), binary)):
        if names:
            text += f"{draw.choice(heads)}\n {draw.choice([' ', chr(10) + ' ']).join(names)}\n"
    return text
