import numpy as np
class ResNet:
    def __init__(self,n=6,h=6,k=3):
        r=np.random.RandomState(0)
        self.W1=r.randn(h,n)*.5; self.b1=np.zeros((h,1)); self.W2=r.randn(h,h)*.5; self.b2=np.zeros((h,1)); self.W3=r.randn(k,h)*.5; self.b3=np.zeros((k,1))
    def forward(self,X):
        self.X=X; self.A1=np.tanh(self.W1@X+self.b1); self.T=np.tanh(self.W2@self.A1+self.b2); self.A2=self.A1+self.T
        Z=self.W3@self.A2+self.b3; E=np.exp(Z-Z.max(0)); self.P=E/E.sum(0); return self.P
    def backward(self,Y):
        m=Y.shape[1]; d3=(self.P-Y)/m
        dA2=self.W3.T@d3; d2=dA2*(1-self.T**2); dA1=dA2+self.W2.T@d2; d1=dA1*(1-self.A1**2)
        return {"dW3":d3@self.A2.T,"db3":d3.sum(1,keepdims=True),"dW2":d2@self.A1.T,"db2":d2.sum(1,keepdims=True),"dW1":d1@self.X.T,"db1":d1.sum(1,keepdims=True)}
