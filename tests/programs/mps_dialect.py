"""Tiny programs as MPS files in a dialect drawn at random: every spelling that is read."""

from collections.abc import Callable

from tiny import INF, Dialect, Row, Tiny, Variable

Pad = Callable[[list[str], Dialect], str]

COMMON = ("X", "y_2", "z.1", "e1", "x[1]", "obj")
NAMES = (*COMMON, "3", "-1e5", "RHS", "N", "FR", "é", "MARKER")
BLANKS = ("X ONE", "X  TWO", "B", "A B C")
"""For fixed format."""


def mps(meant: Tiny, draw: Dialect) -> bytes:
    """In fixed format if a name has a blank."""
    pad = fixed if any(" " in name for name in meant.variables) else free
    others = [f"n{place}" for place in range(0 if draw.common else draw.choice((0, 0, 1, 2)))]
    named = bool(others) and draw.random() < 0.3
    lines = [] if draw.rare(0.2) else [draw.choice(("NAME test", "NAME"))]
    lines += sense(meant, draw)
    lines += ["OBJNAME\n cost"] if named else []
    lines += ["ROWS", *rows(meant, others, named, draw)]
    lines += ["COLUMNS", *columns(meant, others, draw, pad)]
    lines += ["RHS", *sides(meant, others, draw, pad)]
    lines += ranges(meant, others, draw, pad)
    limits = bounds(meant, draw, pad)
    lines += ["BOUNDS", *limits] if limits or draw.random() < 0.3 else []
    lines = [part for line in [*lines, "ENDATA"] for part in ([line, *noise(draw)] if line != "ENDATA" else [line])]
    return (draw.choice(["\n", "\r\n"]).join(lines) + draw.choice(["\n", "", "\n\n"])).encode()


def noise(draw: Dialect) -> list[str]:
    return draw.choice([["* a comment"], [""], ["*"]]) if draw.random() < 0.05 else []


def free(words: list[str], draw: Dialect) -> str:
    blank = draw.spelling([" ", "  "], ["\t"])
    return draw.spelling([" ", "    "], ["\t"]) + blank.join(word for word in words if word)


def fixed(words: list[str], draw: Dialect) -> str:
    """A line in the columns of the format, of a kind, a name, and pairs of a name and a number."""
    line = ""
    for start, word in zip((1, 4, 14, 24, 39, 49), words, strict=False):
        line = f"{line:<{start}}{word}"
    return line


def sense(meant: Tiny, draw: Dialect) -> list[str]:
    word = "MAX" if meant.maximise else "MIN"
    word = draw.spelling([word, f"{word}IMIZE"], [f"{word}IMISE", word.lower(), f"{word.title()}imize"])
    if not meant.maximise and draw.random() < 0.5:
        return []
    return [f"OBJSENSE {word}"] if draw.rare(0.5) else ["OBJSENSE", f"    {word}"]


def rows(meant: Tiny, others: list[str], named: bool, draw: Dialect) -> list[str]:
    """The objective is the first of letter N, or any if it is named."""
    lines = [f" {kind(one)}  {name}" for name, one in meant.rows.items()]
    places = sorted(draw.sample(range(len(lines) + len(others) + 1), len(others) + 1))
    goals = [*others, "cost"] if named else ["cost", *others]
    for place, name in zip(places, goals, strict=True):
        lines.insert(place, f" {draw.spelling('N', 'n') if name == 'cost' else 'N'}  {name}")
    return lines


def kind(one: Row) -> str:
    if one.low == one.high:
        return "E"
    # A range is written from below if its upper side is a whole number, from above or as an equation if not.
    if INF not in (-one.low, one.high):
        return "G" if one.high == int(one.high) else "L" if one.low == int(one.low) else "E"
    return "G" if one.high == INF else "L"


def number(value: float, draw: Dialect) -> str:
    if abs(value) == INF:
        return ("-" if value < 0 else "") + draw.spelling(["1e30"], ["Inf", "1D+30", "infinity"])
    common = [f"{value:g}", f"{value:.2f}", f"{value:.3E}"]
    return draw.spelling(common, [f"{value:.3E}".replace("E", "D"), f"{value:+g}"])


def columns(meant: Tiny, others: list[str], draw: Dialect, pad: Pad) -> list[str]:
    lines: list[str] = []
    inside = False
    for name, one in meant.variables.items():
        marked = one.integer and not unmarked(one, name)
        if marked != inside:
            inside = marked
            lines.append(marker("INTORG" if inside else "INTEND", draw, pad))
        terms = [(row, parts.terms[name]) for row, parts in meant.rows.items() if name in parts.terms]
        terms += [(row, float(draw.randint(-9, 9))) for row in others if draw.random() < 0.5]
        if meant.cost.get(name) or not terms or draw.random() < 0.2:
            terms.append(("cost", meant.cost.get(name, 0.0)))
        draw.shuffle(terms)
        lines += pairs(name, terms, draw, pad)
    return [*lines, marker("INTEND", draw, pad)] if inside and not draw.rare(0.2) else lines


def unmarked(one: Variable, name: str) -> bool:
    """Whether bounds of kinds BV, LI or UI say that a variable is whole: half of those that they can."""
    return one.low > -INF and (one.low or one.high) not in (INF, 0.0) and len(name) % 2 == 0


def marker(word: str, draw: Dialect, pad: Pad) -> str:
    return pad(["", "M", "'MARKER'", "", f"'{word}'"], draw)


def pairs(name: str, terms: list[tuple[str, float]], draw: Dialect, pad: Pad) -> list[str]:
    """Lines of one or two entries each."""
    lines = []
    while terms:
        count = draw.choice((1, 2))
        words = [word for row, value in terms[:count] for word in (row, number(value, draw))]
        lines.append(pad(["", name, *words], draw))
        terms = terms[count:]
    return lines


def side(one: Row) -> float:
    letter = kind(one)
    return one.low if letter in "GE" else one.high


def sides(meant: Tiny, others: list[str], draw: Dialect, pad: Pad) -> list[str]:
    terms = [(name, side(one)) for name, one in meant.rows.items() if side(one) or draw.random() < 0.2]
    if meant.offset:
        terms.append(("cost", -meant.offset))
    terms += [(name, 4.0) for name in others if draw.random() < 0.5]
    draw.shuffle(terms)
    named = not draw.rare(0.3)
    lines = pairs("R" if named else "", terms, draw, pad)
    if lines and named and draw.rare(0.2):
        lines += pairs("S", [(name, 9.0) for name in meant.rows], draw, pad)
    return lines


def ranges(meant: Tiny, others: list[str], draw: Dialect, pad: Pad) -> list[str]:
    terms = []
    for name, one in meant.rows.items():
        if one.low != one.high and INF not in (-one.low, one.high):
            width = one.high - one.low
            terms.append((name, width if kind(one) == "E" else draw.choice((width, -width))))
    terms += [(name, 2.0) for name in others if draw.random() < 0.3]
    return ["RANGES", *pairs("" if draw.rare(0.3) else "RNG", terms, draw, pad)] if terms else []


def bounds(meant: Tiny, draw: Dialect, pad: Pad) -> list[str]:
    chosen = "" if pad is free and draw.rare(0.3) else "BND"
    lines = []
    for name, one in meant.variables.items():
        for letter, value in bound(one, name, draw):
            word = draw.spelling([letter], [letter.lower()])
            lines.append(pad([word, chosen, name, "" if value is None else number(value, draw)], draw))
    if lines and chosen and draw.rare(0.2):
        lines += [pad(["UP", "OTHER", name, "9"], draw) for name in meant.variables]
    return lines


def bound(one: Variable, name: str, draw: Dialect) -> list[tuple[str, float | None]]:
    """Kinds and values of the lines of a variable."""
    whole = one.integer and unmarked(one, name)
    if one.binary:
        if whole:
            return [("UP", 9.0), ("BV", None)] if draw.rare(0.3) else [draw.choice([("BV", None), ("UI", 1.0)])]
        return draw.choice([[], [("BV", None)], [("UP", 1.0)], [("LO", 0.0), ("UP", 1.0)]])
    if (one.low, one.high) == (-INF, INF):
        return draw.choice([[("FR", None)], [("MI", None), ("PL", None)]])
    if one.low == one.high and not whole:
        return [("FX", one.low)]
    lines: list[tuple[str, float | None]] = []
    if one.low == -INF:
        # Below 0 the upper side alone says so.
        lines += [("MI", None)] if one.high >= 0 or not draw.rare(0.5) else []
    elif one.low or (one.integer and one.high == INF) or draw.random() < 0.2 or one.high < 0:
        lines.append(("LI" if whole else "LO", one.low))
    if one.high < INF:
        lines.append(("UI" if whole else "UP", one.high))
    elif one.integer or draw.random() < 0.2:
        lines.append(("PL", None))
    draw.shuffle(lines)
    return lines
