"""The mistakes people make: forward, and going back, in the order the lines run, outputs, slopes, deltas, gradients."""
