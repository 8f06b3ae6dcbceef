"""Online learning, a single image at a time."""
import numpy as np

class MNISTNet:
    def __init__(self):
        self.W1 = np.random.uniform(-0.5, 0.5, (20, 784))
        self.b1 = np.random.uniform(-0.5, 0.5, (20, 1))
        self.W2 = np.random.uniform(-0.5, 0.5, (10, 20))
        self.b2 = np.random.uniform(-0.5, 0.5, (10, 1))

    def sigmoid(self, z):
        return 1.0 / (1.0 + np.exp(-z))

    def forward(self, x):
        x = x.reshape(784, 1)
        h_pre = self.W1 @ x + self.b1
        h = self.sigmoid(h_pre)
        o_pre = self.W2 @ h + self.b2
        e = np.exp(o_pre - np.max(o_pre))
        o = e / np.sum(e)
        return x, h, o

    def backward(self, x, label):
        x, h, o = self.forward(x)
        target = np.zeros((10, 1))
        target[label] = 1
        delta_o = o - target
        grad_W2 = delta_o @ h.T
        grad_b2 = delta_o
        delta_h = self.W2.T @ delta_o * (h * (1 - h))
        grad_W1 = delta_h @ x.T
        grad_b1 = delta_h
        return grad_W1, grad_b1, grad_W2, grad_b2

if __name__ == "__main__":
    net = MNISTNet()
    for epoch in range(3):
        for img, l in zip(images, labels):
            g = net.backward(img, l)
