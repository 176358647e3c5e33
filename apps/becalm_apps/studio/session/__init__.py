"""What visitors compute: runs in threads of their own, the lock by which they share the computer, and whose runs they
are. Nothing here knows a page.
"""
