"""Loops over single variables, compiled by numba: plain arrays in, plain arrays changed, nothing allocated. What they
are for stands where they are called, a room above; their readable counterparts are oracles in the tests.
"""
