"""What only images can be asked for, from the command line and on the page: each gets its options, yields reports.

Their flags stand in ``becalm_images.options``, their names in ``becalm_images``.
"""
