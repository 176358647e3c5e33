"""Starts of a search for solutions, a file each: ``prepare(instance)`` gives a function that draws, or None where the
start does not fit. What a start is called and says of itself stands in ``becalm_programs.start``.
"""
