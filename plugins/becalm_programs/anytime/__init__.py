"""Solutions for a time: starts of every kind take turns, and what they find goes into one pool, verified and different.
``starts`` holds a file for each kind of start, ``becalm_programs.start`` has their names.
"""
