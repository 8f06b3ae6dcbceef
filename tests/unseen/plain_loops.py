# ohne Matrizen: alles mit Schleifen (pure Python lists turned into arrays at the end)
import numpy as np, math

def init(n=4, h=3, k=3):
    return {"W1": np.random.randn(h, n), "b1": np.random.randn(h), "W2": np.random.randn(k, h), "b2": np.random.randn(k)}

def vorwaerts(p, x):
    h = [math.tanh(sum(p["W1"][i][j] * x[j] for j in range(len(x))) + p["b1"][i]) for i in range(len(p["b1"]))]
    z = [sum(p["W2"][i][j] * h[j] for j in range(len(h))) + p["b2"][i] for i in range(len(p["b2"]))]
    m = max(z)
    e = [math.exp(v - m) for v in z]
    return h, [v / sum(e) for v in e]

def backward(p, X, y):
    g = {k: np.zeros_like(v) for k, v in p.items()}
    n = len(X)
    for x, t in zip(X, y):
        h, q = vorwaerts(p, x)
        d2 = [(q[i] - (i == t)) / n for i in range(len(q))]
        for i in range(len(q)):
            g["b2"][i] += d2[i]
            for j in range(len(h)):
                g["W2"][i][j] += d2[i] * h[j]
        for j in range(len(h)):
            d1 = sum(d2[i] * p["W2"][i][j] for i in range(len(q))) * (1 - h[j] ** 2)
            g["b1"][j] += d1
            for k in range(len(x)):
                g["W1"][j][k] += d1 * x[k]
    return g
