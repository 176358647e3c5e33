"""How a network that was trained at fixed times is asked: at these, from no noise. Regression is a policy as well."""

from typing import Any

from becalm.model import Model
from becalm.objective import Fixed


def asked(model: Model[Any]) -> dict[str, Any]:
    """Fields of the request of a regression baseline; nothing for any other model."""
    times = model.objective.levels
    return {"times": times.times, "temperature": 0.0} if isinstance(times, Fixed) else {}
