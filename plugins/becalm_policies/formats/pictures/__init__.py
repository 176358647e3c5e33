"""The pictures in other people's formats, step by step: written into a store once, they are mapped from then on.

A camera has the last word of its name there: ``observation.images.top`` is ``top``.
"""
