"""What an installation has, lacks and can be told: ``doctor``, ``plugins`` and ``completion``, and what they look at.
Nothing here loads a model.
"""
