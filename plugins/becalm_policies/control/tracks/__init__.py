"""Where the actions of environments come from: chunks on their way, and which of their actions is whose and when.

A track knows steps and chunks; what a chunk is planned from and by is not its business.
"""
