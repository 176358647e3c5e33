"""A plugin to start from: the files of ``template``, with another name."""
