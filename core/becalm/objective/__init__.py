"""What a denoiser is trained on."""

from becalm.objective.draw import Objective, draw, losses

__all__ = ["Objective", "draw", "losses"]
