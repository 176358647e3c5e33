"""How a program is built, for search: its columns, its rows written one way, and kinds that are recognised by their
rows, whatever variables are called: packings, coverings, facility location. Each kind says what its rows mean, so that
moves need not look at them again.
"""
