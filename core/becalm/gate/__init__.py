"""The gate for strangers' files: whatever is read is a regular file, holds no more than may be read, runs nothing and
reads nothing outside itself. A check of a kind of file stands here once, and every reader of that kind goes through it.
Each refusal is one sentence with the file's name.
"""
