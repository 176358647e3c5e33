"""Demonstrations in memory, who gives them, and what is done to them until they are training windows.

It knows no file format but becalm's own, no network and no policy.
"""
