"""What can be done with any domain: ``sample``, ``train`` and ``evaluate`` as commands, and the parts they share, from
the bar to the bytes of a file. A verb that only one domain has comes from its plugin.
"""
