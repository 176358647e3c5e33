"""A policy in hand: chunks planned from observations, and executed action by action.

What decides how a trained model acts has its place here: receding horizon, noise, choice among candidates.
"""
