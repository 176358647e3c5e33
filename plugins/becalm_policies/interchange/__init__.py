"""What goes between becalm and other people's policies: checkpoints and configurations of LeRobot and Diffusion Policy.

Imports none of their packages: their files are JSON, YAML and safetensors.
"""
