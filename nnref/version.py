"""The version of nnref, for those who ask within it: `import nnref` there would be a circle."""

__version__ = "0.1.0"
