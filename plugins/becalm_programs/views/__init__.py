"""Solutions to look at: pictures of a batch, of a path, of runs against the clock, and an outcome in words. Whatever is
drawn or said here has been judged elsewhere.
"""
