import numpy as np
import matplotlib.pyplot as plt
from sklearn.model_selection import train_test_split

INPUT_DIM = 4
OUT_DIM = 3
H_DIM = 10
ALPHA = 0.0002
NUM_EPOCHS = 400

W1 = np.random.rand(INPUT_DIM, H_DIM)
b1 = np.random.rand(1, H_DIM)
W2 = np.random.rand(H_DIM, OUT_DIM)
b2 = np.random.rand(1, OUT_DIM)


def relu(t):
    return np.maximum(t, 0)


def relu_deriv(t):
    return (t >= 0).astype(float)


def softmax_batch(t):
    out = np.exp(t - np.max(t, axis=1, keepdims=True))
    return out / np.sum(out, axis=1, keepdims=True)


def predict(x):
    t1 = x @ W1 + b1
    h1 = relu(t1)
    t2 = h1 @ W2 + b2
    return softmax_batch(t2)


def sparse_cross_entropy_batch(z, y):
    return np.mean(-np.log(np.array([z[j, y[j]] for j in range(len(y))])))


def backward(x, y):
    n = x.shape[0]
    t1 = x @ W1 + b1
    h1 = relu(t1)
    t2 = h1 @ W2 + b2
    z = softmax_batch(t2)
    y_full = np.zeros((n, OUT_DIM))
    for j, yj in enumerate(y):
        y_full[j, yj] = 1

    dE_dt2 = (z - y_full) / n
    dE_dW2 = h1.T @ dE_dt2
    dE_db2 = np.sum(dE_dt2, axis=0, keepdims=True)
    dE_dh1 = dE_dt2 @ W2.T
    dE_dt1 = dE_dh1 * relu_deriv(t1)
    dE_dW1 = x.T @ dE_dt1
    dE_db1 = np.sum(dE_dt1, axis=0, keepdims=True)
    return dE_dW1, dE_db1, dE_dW2, dE_db2


loss_arr = []
for ep in range(NUM_EPOCHS):
    for i in range(len(dataset) // 50):
        x, y = zip(*dataset[i * 50:i * 50 + 50])
        g = backward(np.concatenate(x), np.array(y))
plt.plot(loss_arr)
plt.show()
