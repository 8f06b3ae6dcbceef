"""Which layer is somebody's function, and which mistake does its backward pass make?

layers finds the layer of the handbook whose outputs are those of the function, whatever it is called; judged compares
its gradients with that layer's closed form.
"""
