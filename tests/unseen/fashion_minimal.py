#!/usr/bin/env python3
# -*- coding: utf-8 -*-
import gzip, sys
import numpy as np

def load(path):
    with gzip.open(path) as f:
        return np.frombuffer(f.read(), np.uint8, offset=16).reshape(-1, 784)

if len(sys.argv) < 2:
    print("usage: fashion_minimal.py data/")
    sys.exit(1)

images = load(sys.argv[1] + "/train-images-idx3-ubyte.gz")

def initParams(nx=784, nh=24, ny=10):
    theta = dict(W1=np.random.randn(nh, nx) * .01, b1=np.zeros((nh, 1)), W2=np.random.randn(ny, nh) * .01, b2=np.zeros((ny, 1)))
    return theta

def fprop(theta, X):
    Z1 = theta['W1'] @ X + theta['b1']
    H = np.maximum(Z1, 0.)
    Z2 = theta['W2'] @ H + theta['b2']
    P = np.exp(Z2 - Z2.max(0))
    P /= P.sum(0)
    return P, (X, Z1, H)

def costFunction(P, Y):
    return -(Y * np.log(P)).sum(0).mean()

def bprop(theta, P, Y, cache):
    X, Z1, H = cache
    N = X.shape[1]
    dZ2 = (P - Y) / N
    dH = theta['W2'].T @ dZ2
    dZ1 = dH * (Z1 > 0)
    return dict(W2=dZ2 @ H.T, b2=dZ2.sum(1, keepdims=True), W1=dZ1 @ X.T, b1=dZ1.sum(1))
