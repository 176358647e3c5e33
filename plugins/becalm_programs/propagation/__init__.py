"""What the rows of a program say of bounds of variables, row after row until nothing follows any more: tighter bounds,
or that there is no solution. Compiled: sampling asks before its first step, and searches after every one of theirs.
"""
