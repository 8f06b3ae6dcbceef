# classic: sigmoid everywhere, error = y - output, "+=" updates (i am trask), no biases
import numpy as np
def nonlin(x,deriv=False):
    if deriv: return x*(1-x)
    return 1/(1+np.exp(-x))
class Net:
    def __init__(self): 
        np.random.seed(1); self.syn0=2*np.random.random((3,4))-1; self.syn1=2*np.random.random((4,1))-1
    def forward(self,X): self.l0=X; self.l1=nonlin(X@self.syn0); self.l2=nonlin(self.l1@self.syn1); return self.l2
    def backward(self,y):
        l2_error=y-self.l2; l2_delta=l2_error*nonlin(self.l2,True)
        l1_error=l2_delta.dot(self.syn1.T); l1_delta=l1_error*nonlin(self.l1,True)
        self.syn1+=self.l1.T.dot(l2_delta); self.syn0+=self.l0.T.dot(l1_delta)
