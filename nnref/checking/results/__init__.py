"""What a check found, before anyone decides how it looks.

Read in this order: findings (where a gradient is wrong, and how), report (one row a parameter), table (the rows as text
or HTML), certificate (the verdict on a whole network).
"""
