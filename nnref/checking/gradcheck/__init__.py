"""Is this the gradient of this loss? The loss is only called, never looked into.

Read in this order: gradcheck (the public function), border (other people's arrays and errors), nesting (parameters as
people keep them), complexes (complex ones as two real ones), loss (what is asked for its value, and whether it is the
same each time), stairs (how it rounds), slopes (differences and the complex step, each with an error bar), verdicts
(right, wrong or cannot tell), kinks (of several variables), workers (many
entries at once), vjp (layers and kernels: roles, layers, hidden).
"""
