"""What will be observed when a chunk begins: a delay is made up for by planning from there (Smith 1957).

A small network that foretells observations from actions, its training, its file and its figures have their place here.
"""
