import numpy as np
params = {}
cache = {}
grads = {}
def setup():
    params['W1'] = np.random.randn(10, 8); params['b1'] = np.zeros(8)
    params['W2'] = np.random.randn(8, 4); params['b2'] = np.zeros(4)
def softmax(s):
    s = np.exp(s - s.max(axis=1)[:, None]); return s / s.sum(axis=1)[:, None]
def forward(X):
    cache['X'] = X
    cache['Z1'] = X @ params['W1'] + params['b1']
    cache['A1'] = np.maximum(0, cache['Z1'])
    cache['P'] = softmax(cache['A1'] @ params['W2'] + params['b2'])
    return cache['P']
def backward(Y):
    n = Y.shape[0]
    dZ2 = (cache['P'] - Y) / n
    grads['W2'] = cache['A1'].T @ dZ2
    grads['b2'] = dZ2.sum(axis=0)
    dZ1 = dZ2 @ params['W2'].T
    dZ1[cache['Z1'] <= 0] = 0
    grads['W1'] = cache['X'].T @ dZ1
    grads['b1'] = dZ1.sum(axis=0)
setup()
