"""The command line as such: commands made when they are asked for, their flags and config files, and what a user sees
of results, progress, errors and Ctrl-C. Nothing here knows a domain, a checkpoint or a command by name.
"""
