"""What a source asks the answered tables for."""

import ast

from nnref.checking.watching.world.needs import column_names


def test_a_column_is_asked_for_by_an_attribute_of_the_table_or_of_a_row_and_a_method_is_none():
    text = """\
data = pd.read_csv("pay.csv")
m = data.Salary.mean()
for i in range(len(data)):
    x = data.iloc[i].years
    v = data.iloc[i].values
    w = data.iloc[i].sum()
"""
    assert list(column_names(list(ast.walk(ast.parse(text))))) == ["years", "Salary"]
