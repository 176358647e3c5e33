"""A model card as the README.md of a folder or a repository, with the front matter that hubs read.

The front matter is YAML; JSON is YAML too, and needs no quoting rules of its own.
"""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from becalm.files.card import Card
from becalm.plugin.distribution.missing import install
from becalm_apps.cli.show import cell
from becalm_apps.verbs import figure

if TYPE_CHECKING:
    from becalm.model import Model

_LONG = 12


def readme(model: "Model[Any]", card: Card, *, load: str, picture: str | None, text: str | None) -> str:
    """The card in words.

    Args:
        load: What ``becalm.load`` takes to load it.
        picture: Name of a picture of samples; text: samples that are text instead.
    """
    title = _line(card.title or model.domain.name)
    parts = [_front(model, card), f"# {title}\n"]
    if card.note:
        parts.append(f"{_line(card.note)}\n")
    if picture is not None:
        parts.append(f"![Samples of the model]({picture})\n")
    if text is not None:
        parts.append(_block("text", text))
    parts.append(_rows(("", ""), _facts(model, card)))
    if card.figures or card.tables:
        parts.append("## Figures\n")
    if card.figures:
        parts.append(_rows(*figure.table(card.figures, model.domain.metric_label)))
    if card.judged:
        parts.append(f"By {_line(card.judged)}.\n")
    for table in card.tables:
        parts += [f"{_line(table.title)}\n"] if table.title else []
        parts.append(_rows(table.columns, table.rows))
    parts += ["## Use\n", _block("python", _usage(load))]
    parts.append(f"It is a checkpoint of becalm, domain `{model.domain.name}`: {_installed(model.config)}.\n")
    config = {key: value for key, value in model.config.items() if key != "card"}
    parts += ["## Configuration\n", _block("json", json.dumps(_short(config), indent=2))]
    return "\n".join(parts)


def _front(model: "Model[Any]", card: Card) -> str:
    lines: dict[str, Any] = {"license": card.licence.lower()} if card.licence else {}
    lines |= {"library_name": "becalm", "tags": ["becalm", "diffusion", model.domain.name]}
    if card.figures:
        # Hubs show the model's own figures; intervals and what real data reach stand in the table below.
        label = model.domain.metric_label
        measured = [
            {"type": one.name, "name": label(one.name), "value": one.value} for one in figure.figures(card.figures)
        ]
        data = card.data or "not stated"
        task = {"type": model.domain.name, "name": model.domain.name}
        result = {"task": task, "dataset": {"type": data, "name": data}, "metrics": measured}
        lines["model-index"] = [{"name": _line(card.title or model.domain.name), "results": [result]}]
    written = "".join(f"{key}: {json.dumps(value)}\n" for key, value in lines.items())
    return f"---\n{written}---\n"


def _facts(model: "Model[Any]", card: Card) -> list[tuple[str, Any]]:
    config = model.config
    training: Mapping[str, Any] = config.get("training") or {}
    kind = getattr(getattr(model.domain, "architecture", None), "kind", type(model.network).__name__)
    facts = [
        ("licence", card.licence or "not stated: ask before you use it"),
        ("data", card.data or "not stated"),
        ("network", f"{kind}, {sum(weight.numel() for weight in model.network.parameters()):,} parameters"),
        ("schedule", config["schedule"].get("kind")),
        ("predicts", model.objective.prediction),
        ("trained", f"{config['step']} steps" if config.get("step") else None),
        ("seed", training.get("seed")),
        ("becalm", config.get("becalm")),
    ]
    return [(name, value) for name, value in facts if value is not None]


def _usage(load: str) -> str:
    return f"import becalm\n\nmodel = becalm.load({load!r})\nsamples = model.sample(count=16)"


def _installed(config: Mapping[str, Any]) -> str:
    """The commands that install what the model needs: becalm, and what brings its domain and kinds."""
    others = sorted(set(config.get("brought", {}).values()))
    versions = config.get("versions", {})
    needed = [f"`{install(name)}`" + (f" (made with {versions[name]})" if name in versions else "") for name in others]
    return ", ".join([f"`{install('becalm')}`", *needed])


def _rows(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [columns, ["---"] * len(columns), *([cell(value) for value in row] for row in rows)]
    return "".join(f"| {' | '.join(_line(str(value)).replace('|', '/') for value in line)} |\n" for line in lines)


def _block(language: str, text: str) -> str:
    return f"```{language}\n{text.replace('```', '')}\n```\n"


def _line(text: str) -> str:
    return " ".join(text.split())


def _short(value: Any) -> Any:
    """The value with long lists, such as tables of betas, cut short."""
    if isinstance(value, Mapping):
        return {key: _short(inner) for key, inner in value.items()}
    if isinstance(value, list) and len(value) > _LONG:
        return [*map(_short, value[:3]), f"... {len(value)} in all"]
    return value
