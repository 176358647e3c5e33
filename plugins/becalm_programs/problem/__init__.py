"""An integer program and what follows from its numbers alone: standard form, binary encoding, dual values, the batch of
problems that is the condition of the diffusion, how entries are rounded, and whether a solution is feasible. It knows
no noise, no network and no search.
"""
