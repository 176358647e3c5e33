"""Trainings that keep themselves: what a training leaves on disk is brought to MLflow by a process of its own.

    training  ->  mine.jsonl, mine.png, mine.safetensors  ->  recorder  ->  MLflow

The log is the queue between the two. The training writes it anyway and waits for nobody, so a tracker that is slow,
locked or gone neither stops, slows nor alters it; what could not be sent is sent later from the same files.
"""
