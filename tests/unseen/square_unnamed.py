from numpy import *
import numpy as np

def make_params(n=6):
    return [random.randn(n, n), random.randn(n), random.randn(n, n), random.randn(n), random.randn(n, n), random.randn(n)]

def softmax(u):
    u = exp(u - u.max(axis=1)[:, newaxis])
    return u / u.sum(axis=1)[:, newaxis]

def feed_forward(params, x):
    w1, b1, w2, b2, w3, b3 = params
    h1 = tanh(dot(x, w1) + b1)
    h2 = tanh(dot(h1, w2) + b2)
    y = softmax(dot(h2, w3) + b3)
    return h1, h2, y

def back_propagate(params, x, t):
    w1, b1, w2, b2, w3, b3 = params
    h1, h2, y = feed_forward(params, x)
    n = x.shape[0]
    d3 = (y - t) / n
    d2 = dot(d3, w3.T) * (1 - h2 * h2)
    d1 = dot(d2, w2.T) * (1 - h1 * h1)
    return [dot(x.T, d1), d1.sum(0), dot(h1.T, d2), d2.sum(0), dot(h2.T, d3), d3.sum(0)]
