import numpy as np

ALPHA = 0.1

def leaky_relu(x):
    return np.where(x > 0, x, ALPHA * x)

def leaky_relu_derivative(x):
    dx = np.ones_like(x)
    dx[x < 0] = ALPHA
    return dx

class LeakyNet:
    def __init__(self, input_size=12, hidden_size=9, output_size=4):
        self.weights_input_hidden = np.random.randn(input_size, hidden_size)
        self.bias_hidden = np.zeros((1, hidden_size))
        self.weights_hidden_output = np.random.randn(hidden_size, output_size)
        self.bias_output = np.zeros((1, output_size))

    def forward(self, X):
        self.X = X
        self.hidden_input = np.dot(X, self.weights_input_hidden) + self.bias_hidden
        self.hidden_output = leaky_relu(self.hidden_input)
        self.final_input = np.dot(self.hidden_output, self.weights_hidden_output) + self.bias_output
        exps = np.exp(self.final_input - np.max(self.final_input, axis=1, keepdims=True))
        self.final_output = exps / np.sum(exps, axis=1, keepdims=True)
        return self.final_output

    def backward(self, X, y, output, learning_rate):
        m = y.shape[0]
        output_delta = (output - y) / m
        self.weights_hidden_output -= learning_rate * np.dot(self.hidden_output.T, output_delta)
        hidden_error = np.dot(output_delta, self.weights_hidden_output.T)
        hidden_delta = hidden_error * leaky_relu_derivative(self.hidden_input)
        self.bias_output -= learning_rate * np.sum(output_delta, axis=0, keepdims=True)
        self.weights_input_hidden -= learning_rate * np.dot(X.T, hidden_delta)
        self.bias_hidden -= learning_rate * np.sum(hidden_delta, axis=0, keepdims=True)

    def train(self, X, y, epochs=1000, learning_rate=0.1):
        for epoch in range(epochs):
            output = self.forward(X)
            self.backward(X, y, output, learning_rate)
