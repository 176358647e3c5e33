"""The image networks, one a file, and ``architecture``, which has their sizes as configuration.

Each is called as (x, level, labels) and gives what has the image's shape.
"""
