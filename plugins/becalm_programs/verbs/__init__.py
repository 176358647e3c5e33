"""The verbs and panels that only programs have, one a file: options in, lines, tables and pictures out. What they do is
done in the rooms; ``generate``, ``label`` and ``embed`` stand where their work is.
"""
