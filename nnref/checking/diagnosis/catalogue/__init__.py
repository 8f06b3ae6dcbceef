"""The mistakes people make in a backward pass, in the order its lines run: outputs, slopes, deltas, gradients."""
