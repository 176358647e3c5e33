"""A field of a pydantic model, described once: its name, default, bounds and choices, the text it is read from, and the
models that may stand at it. Flags and pages are both made of this description, and it knows of neither.
"""
