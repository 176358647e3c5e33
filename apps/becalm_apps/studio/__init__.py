"""The web page: a tab per installed domain, made from what its plugin says of itself.

Here stands what serves it and lets visitors in; what they see is in ``ui``, what they compute in ``session``.
"""
