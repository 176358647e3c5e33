"""Checkpoints for others: a bundle of weights, card and picture, written, sent and taken over.

Nothing that comes from others is ever run.
"""
