import numpy as np
F = np.float32
EPS = F(1e-12)

def init_params(n_in=50, n_h=32, n_out=10, seed=0):
    r = np.random.RandomState(seed)
    return dict(W1=(r.randn(n_in, n_h) * np.sqrt(2 / n_in)).astype(F), b1=np.zeros(n_h, F),
                W2=(r.randn(n_h, n_out) * np.sqrt(2 / n_h)).astype(F), b2=np.zeros(n_out, F))

def forward(p, x):
    x = x.astype(F)
    z1 = x @ p['W1'] + p['b1']
    a1 = np.maximum(z1, F(0))
    z2 = a1 @ p['W2'] + p['b2']
    z2 = z2 - z2.max(1, keepdims=True)
    e = np.exp(z2)
    return x, z1, a1, e / e.sum(1, keepdims=True)

def backward(p, x, y):
    x, z1, a1, probs = forward(p, x)
    n = F(x.shape[0])
    d2 = (probs - y.astype(F)) / n
    d1 = (d2 @ p['W2'].T) * (a1 >= 0)
    return dict(W1=x.T @ d1, b1=d1.sum(0), W2=a1.T @ d2, b2=d2.sum(0))
