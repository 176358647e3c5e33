"""The web page: a tab per installed domain, made from what its plugin says of itself. Only this folder knows gradio."""
