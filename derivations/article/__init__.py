"""Every equation of the source article, in its order, with the verdict that its own check gives it.

Read in this order: quotations (all of them), forward, softmax, output_layer and backward (the article's parts), judging
(how a reading is proved or refuted), counterexample (the smallest numbers that refute it), example and
example_gradients (the article's network for one example).
"""
