"""Is this the gradient of this loss? The loss is only called, never looked into.

Read in this order: gradcheck (the public function), border (other people's arrays and errors), nesting (parameters as
people keep them), complexes (complex ones as two real ones), loss (what is asked for its value, and whether it is the
same each time), stairs (how it rounds), slopes (differences and the complex step, each with an error bar), directions
(all entries at once), verdicts (right, wrong or cannot tell), summary (what is said of them), kinks (of several
variables) and workers (many entries at once). Of a layer or a kernel: vjp (the public function), roles (what each
argument is), layers (closed forms), full_size (large ones) and hidden (where a mistake could hide).
"""
