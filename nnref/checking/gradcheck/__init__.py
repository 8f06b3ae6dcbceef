"""Is this the gradient of this loss? The loss is only called, never looked into.

Read in this order: gradcheck (the public function), border (other people's arrays and errors), nesting (parameters as
people keep them), slopes (differences and the complex step, each with an error bar), verdicts (right, wrong or cannot
tell), workers (many entries at once), vjp (layers and kernels).
"""
