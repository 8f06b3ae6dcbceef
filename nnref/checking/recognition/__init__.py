"""Which layer is somebody's function, and which mistake does its backward pass make?

layers finds the layer of the handbook that has the function's outputs, whatever the function's name; judged compares
its gradients with that layer's closed form.
"""
