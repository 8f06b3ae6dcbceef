"""Which mistakes explain wrong numbers?

Going forward: forward_passes (which pass, and which loss, gives these numbers) and catalogue.forward (its mistakes).
Going back, read in this order: diagnose (the question and its answer), backward_lines (the lines on which a mistake can
be made), catalogue (the mistakes), fit and factors (does a prediction explain the numbers?), explanations and search
(the fewest mistakes that explain them all), wording (what is said to a person).
"""
