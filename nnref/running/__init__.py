"""MNIST as columns, and the reference training run."""
