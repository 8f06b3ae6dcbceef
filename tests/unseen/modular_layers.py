import numpy as np


class Dense:
    def __init__(self, n_in, n_out):
        self.w = np.random.randn(n_in, n_out) * np.sqrt(2.0 / n_in)
        self.b = np.zeros((1, n_out))
        self.dw = None
        self.db = None

    def forward(self, x):
        self.x = x
        return np.dot(x, self.w) + self.b

    def backward(self, dout):
        self.dw = np.dot(self.x.T, dout)
        self.db = np.sum(dout, axis=0, keepdims=True)
        return np.dot(dout, self.w.T)


class Relu:
    def forward(self, x):
        self.out = np.maximum(0, x)
        return self.out

    def backward(self, dout):
        dout[self.out <= 0] = 0
        return dout


class SoftmaxWithLoss:
    def forward(self, x, t):
        self.t = t
        x = x - np.max(x, axis=1, keepdims=True)
        self.y = np.exp(x) / np.sum(np.exp(x), axis=1, keepdims=True)
        return -np.sum(self.t * np.log(self.y)) / self.y.shape[0]

    def backward(self, dout=1):
        return (self.y - self.t) / self.t.shape[0]


class TwoLayerNet:
    def __init__(self, input_size, hidden_size, output_size):
        self.fc1 = Dense(input_size, hidden_size)
        self.relu = Relu()
        self.fc2 = Dense(hidden_size, output_size)
        self.last = SoftmaxWithLoss()

    def predict(self, x):
        return self.fc2.forward(self.relu.forward(self.fc1.forward(x)))

    def loss(self, x, t):
        return self.last.forward(self.predict(x), t)

    def gradient(self, x, t):
        self.loss(x, t)
        dout = self.last.backward(1)
        dout = self.fc2.backward(dout)
        dout = self.relu.backward(dout)
        self.fc1.backward(dout)
        return {"W1": self.fc1.dw, "b1": self.fc1.db, "W2": self.fc2.dw, "b2": self.fc2.db}


network = TwoLayerNet(input_size=784, hidden_size=50, output_size=10)
