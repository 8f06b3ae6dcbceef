"""Is a gradient right? Checks that stand on the loss alone, and checks against the reference network."""
