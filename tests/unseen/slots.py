import numpy as np
from functools import reduce
class Model:
    __slots__=("W1","b1","W2","b2","_h","_p","_x")
    def __init__(self,d=7,h=5,c=3,*,seed=1):
        g=np.random.default_rng(seed); self.W1=g.normal(size=(d,h)); self.b1=np.zeros((1,h)); self.W2=g.normal(size=(h,c)); self.b2=np.zeros((1,c))
    def forward(self,x):
        self._x=x; self._h=np.tanh(x@self.W1+self.b1); s=self._h@self.W2+self.b2; e=np.exp(s-s.max(1,keepdims=True)); self._p=e/e.sum(1,keepdims=True); return self._p
    def backward(self,y):
        d=(self._p-y)/len(y); dh=d@self.W2.T*(1-self._h**2)
        return {"W2":self._h.T@d,"b2":d.sum(0,keepdims=True),"W1":self._x.T@dh,"b1":dh.sum(0,keepdims=True)}
