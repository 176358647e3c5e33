"""A training while it runs: the loop with its saves and its stop, the log, the line that says how it goes, and looks at
what it has learnt. What is trained, and on what, is settled before.
"""
