import numpy as np

class NeuralNet:
    def __init__(self, n_features, n_hidden, n_classes, learning_rate=0.1, seed=None):
        r = np.random.RandomState(seed)
        self.lr = learning_rate
        self.weights_input_hidden = r.normal(0.0, n_features ** -0.5, (n_features, n_hidden))
        self.bias_hidden = np.zeros((1, n_hidden))
        self.weights_hidden_output = r.normal(0.0, n_hidden ** -0.5, (n_hidden, n_classes))
        self.bias_output = np.zeros((1, n_classes))

    def sigmoid(self, x):
        return 1 / (1 + np.exp(-x))

    def forward(self, inputs):
        self.hidden_input = np.dot(inputs, self.weights_input_hidden) + self.bias_hidden
        self.hidden_output = self.sigmoid(self.hidden_input)
        self.final_input = np.dot(self.hidden_output, self.weights_hidden_output) + self.bias_output
        exp = np.exp(self.final_input - np.max(self.final_input, axis=1, keepdims=True))
        self.final_output = exp / np.sum(exp, axis=1, keepdims=True)
        return self.final_output

    def backward(self, inputs, targets, outputs):
        output_error = (outputs - targets) / inputs.shape[0]
        hidden_error = np.dot(output_error, self.weights_hidden_output.T)
        hidden_delta = hidden_error * self.hidden_output * (1 - self.hidden_output)
        self.weights_hidden_output -= self.lr * np.dot(self.hidden_output.T, output_error)
        self.bias_output -= self.lr * np.sum(output_error, axis=0, keepdims=True)
        self.weights_input_hidden -= self.lr * np.dot(inputs.T, hidden_delta)
        self.bias_hidden -= self.lr * np.sum(hidden_delta, axis=0, keepdims=True)

    def train(self, inputs, targets, epochs):
        for epoch in range(epochs):
            outputs = self.forward(inputs)
            self.backward(inputs, targets, outputs)
            if epoch % 100 == 0:
                print(f"Epoch {epoch}, Loss: {-np.mean(np.sum(targets * np.log(outputs), axis=1))}")

nn = NeuralNet(2, 8, 2)
nn.train(X, Y, 10000)
