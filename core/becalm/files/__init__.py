"""What stands on disk and comes from elsewhere: checkpoints and their cards, results written whole or not at all,
downloads, models from a hub. Nothing here knows what a tensor in a file is for.
"""
