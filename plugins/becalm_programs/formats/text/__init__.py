"""The text of model files, LP and MPS, read strictly: what readers take differently is refused by its line.

``lines`` unpacks, ``lp`` and ``mps`` are the two grammars, ``draft`` gathers what they read into a program,
and ``second`` compares it with what SCIP reads.
"""
