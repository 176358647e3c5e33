"""The policy networks, one a file, with what they are told (``condition``) and their sizes (``architecture``).

Each is called as (x, level, cond) with chunks (B, Tp, A) and gives what has the chunks' shape.
"""
