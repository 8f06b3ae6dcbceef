"""Benchmarks: the same work by others and by us, side by side, interleaved in one run. They are not tests."""
