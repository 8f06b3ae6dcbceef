"""What a check found, before anyone decides how it looks.

Read in this order: factor (the multiple of the truth that numbers are, and what is known of it), rearranged (the truth
in another order), findings (where a gradient is wrong, and how), sampling (what a sample misses), entry (one parameter,
judged), report (one row a parameter), grouped (a long one) and curve (its figure), table (the rows as text or HTML),
diagnosis (a mistake by name), certificate (the verdict on a whole network).
"""
