"""Where training data come from: instances are generated, solutions of them searched by many workers (labels), and both
read back as examples. What learns from them is core's trainer.
"""
