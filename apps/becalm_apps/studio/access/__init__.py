"""Who may come in, and with how much: names and origins, the token, the size and number of what is sent, the time that
sending may take. Nothing here knows a page; each is an ASGI app around another, or a protocol below them all.
"""
