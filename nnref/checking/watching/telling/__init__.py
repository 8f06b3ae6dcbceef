"""What is said of a program: report (the certificate), cautions (what is no mistake but worth a line), mending.

other_losses finds a loss that is computed after the update and is another than the gradients'; between_steps says
what goes wrong from one step to the next, forgetting which updates are missing, lines how a line is shown; renaming
finds lines that only give a value another name; mending tries out the line to try.
"""
