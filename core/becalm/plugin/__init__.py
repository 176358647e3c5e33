"""The door for plugins: the hooks by which they are found, why one is refused, and the words in which they speak to
the command line and the studio: requests, reports, widgets, presets. Nothing here imports torch.
"""
