"""The report on a program: report (the certificate), cautions (remarks that are no mistakes), mending.

other_losses finds a loss computed after the update that is not that of the gradients; between_steps, mistakes from one
step to the next; forgetting, missing updates; lines says how a line is shown; renaming finds lines that only give a
value another name; mending finds the line to try.
"""
