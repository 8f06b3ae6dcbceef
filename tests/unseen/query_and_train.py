import numpy as np
inputs, hidden, outputs, lr = 8, 6, 3, .2
class NeuralNet:
    def __init__(self):
        self.wih = np.random.normal(0.0, pow(hidden, -0.5), (hidden, inputs))
        self.who = np.random.normal(0.0, pow(outputs, -0.5), (outputs, hidden))
    def train(self, inputs_list, targets_list):
        inputs = np.array(inputs_list, ndmin=2).T
        targets = np.array(targets_list, ndmin=2).T
        hidden_outputs = 1/(1+np.exp(-np.dot(self.wih, inputs)))
        final_outputs = 1/(1+np.exp(-np.dot(self.who, hidden_outputs)))
        output_errors = targets - final_outputs
        hidden_errors = np.dot(self.who.T, output_errors * final_outputs * (1.0 - final_outputs))
        self.who += lr * np.dot((output_errors * final_outputs * (1.0 - final_outputs)), np.transpose(hidden_outputs))
        self.wih += lr * np.dot((hidden_errors * hidden_outputs * (1.0 - hidden_outputs)), np.transpose(inputs))
    def query(self, inputs_list):
        inputs = np.array(inputs_list, ndmin=2).T
        h = 1/(1+np.exp(-np.dot(self.wih, inputs)))
        return 1/(1+np.exp(-np.dot(self.who, h)))
