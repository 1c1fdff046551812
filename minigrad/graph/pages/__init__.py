"""Pages for browsers: a picture with what is known of each box, and a film of several steps.

``sources``  formulas of operations, and the text of their derivative rules
``details``  what is known of the boxes of a picture: statistics, histograms, saved tensors
``svg``      what a renderer has drawn, small enough for a page and in colours for light and dark
``page``     all of it as one file, which needs nothing else
``film``     a page with a slider over the steps of a training
"""
