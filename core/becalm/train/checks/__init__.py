"""What a training is held to before it is saved and before it goes on: finite numbers, tensors that fit, the same data.

Each check ends in one sentence.
"""
