"""Environments: gymnasium's, Push-T, and two of our own. Imports nothing heavy."""

from becalm_policies.environments.known import anchors, measured

__all__ = ["anchors", "measured"]
