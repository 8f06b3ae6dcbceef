"""An engine of numbers, as people write one: each with its value, its slope, what it was made of, and a step back."""

VALUE = """\
import math
import random
class Value:
    def __init__(self, data, made_of=()):
        self.data, self.grad, self.made_of, self.back = data, 0.0, set(made_of), lambda: None
    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data + other.data, (self, other))
        def back():
            self.grad += out.grad
            other.grad += out.grad
        out.back = back
        return out
    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data * other.data, (self, other))
        def back():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad
        out.back = back
        return out
    __radd__, __rmul__ = __add__, __mul__
    def __sub__(self, other): return self + other * -1
    def relu(self):
        out = Value(0 if self.data < 0 else self.data, (self,))
        def back():
            self.grad += (out.data > 0) * out.grad
        out.back = back
        return out
    def tanh(self):
        t = math.tanh(self.data)
        out = Value(t, (self,))
        def back():
            self.grad += (1 - t ** 2) * out.grad
        out.back = back
        return out
    def backward(self):
        order, seen = [], set()
        def visit(v):
            if v not in seen:
                seen.add(v)
                for w in v.made_of: visit(w)
                order.append(v)
        visit(self)
        self.grad = 1.0
        for v in reversed(order): v.back()
"""
