import numpy as np

class Parameter:
    def __init__(self, data):
        self.data = data
        self.grad = np.zeros_like(data)

class Module:
    def __call__(self, *args):
        return self.forward(*args)
    def parameters(self):
        return []

class Linear(Module):
    def __init__(self, in_features, out_features):
        self.weight = Parameter(np.random.randn(out_features, in_features) * np.sqrt(1 / in_features))
        self.bias = Parameter(np.zeros(out_features))
    def forward(self, x):
        self.x = x
        return x @ self.weight.data.T + self.bias.data
    def backward(self, grad_output):
        self.weight.grad = grad_output.T @ self.x
        self.bias.grad = grad_output.sum(axis=0)
        return grad_output @ self.weight.data
    def parameters(self):
        return [self.weight, self.bias]

class ReLU(Module):
    def forward(self, x):
        self.mask = x > 0
        return x * self.mask
    def backward(self, grad_output):
        return grad_output * self.mask

class Sequential(Module):
    def __init__(self, *layers):
        self.layers = layers
    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x
    def backward(self, grad):
        for layer in reversed(self.layers):
            grad = layer.backward(grad)
        return grad
    def parameters(self):
        return [p for layer in self.layers for p in layer.parameters()]

class CrossEntropyLoss(Module):
    def forward(self, logits, target):
        shifted = logits - logits.max(axis=1, keepdims=True)
        self.logp = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        self.target = target
        return -self.logp[np.arange(len(target)), target].mean()
    def backward(self):
        g = np.exp(self.logp)
        g[np.arange(len(self.target)), self.target] -= 1
        return g / len(self.target)

model = Sequential(Linear(11, 9), ReLU(), Linear(9, 4))
criterion = CrossEntropyLoss()
