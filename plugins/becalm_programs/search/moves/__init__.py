"""Moves of one variable, with those that hang on it: 1-opt of every kind, and flips that repair what is infeasible.
Nothing is drawn: a solution is improved for itself, and always the same way.
"""
