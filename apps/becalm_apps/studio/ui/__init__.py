"""What a visitor sees: tabs, panels, the components of their forms, a canvas, and the output beside the form.
Only this folder and ``studio.serve`` know gradio.
"""
