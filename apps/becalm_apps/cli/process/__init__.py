"""The process that a command is: its standard streams, and the signals that stop it. Nothing here knows a command."""
