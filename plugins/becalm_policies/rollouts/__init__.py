"""Episodes that a policy plays in an environment: from which starts, how they are played, kept and counted.

A policy is here whatever maps observations to actions: nothing knows a model.
"""
