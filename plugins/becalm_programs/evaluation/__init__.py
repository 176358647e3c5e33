"""Sampling judged against greedy, rounding, search and solvers: what the methods are, what they do on an instance, what
that is worth over instances, how likely solutions are under a network, and what is finished and best known, on disk.
"""
