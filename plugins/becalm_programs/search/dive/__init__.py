"""Diving: integers are fixed one after another, bounds propagated after each, and what a row cannot hold is taken back.
From a wish to a solution near it, or from a solution to a better one.
"""
