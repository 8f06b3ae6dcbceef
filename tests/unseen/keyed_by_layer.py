import numpy as np
class SimpleNN:
    def __init__(self,layers=(5,4,3),learning_rate=0.05,l2=0.0):
        self.lr=learning_rate; self.l2=l2; self.W={}; self.b={}
        for i in range(1,len(layers)):
            self.W[i]=np.random.randn(layers[i],layers[i-1]); self.b[i]=np.zeros((layers[i],1))
    def forward(self,X):
        A={0:X}; Z={}
        for i in self.W:
            Z[i]=self.W[i]@A[i-1]+self.b[i]
            A[i]=np.tanh(Z[i]) if i<len(self.W) else self.softmax(Z[i])
        self.A,self.Z=A,Z
        return A[len(self.W)]
    def softmax(self,z): e=np.exp(z-z.max(axis=0,keepdims=True)); return e/e.sum(axis=0,keepdims=True)
    def backward(self,Y):
        m=Y.shape[1]; L=len(self.W); dW={}; db={}
        dZ=(self.A[L]-Y)/m
        for i in range(L,0,-1):
            dW[i]=dZ@self.A[i-1].T+self.l2*self.W[i]; db[i]=dZ.sum(axis=1,keepdims=True)
            if i>1: dZ=self.W[i].T@dZ*(1-self.A[i-1]**2)
        return dW,db
