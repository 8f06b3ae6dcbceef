import numpy as np
def init_params(): return np.random.randn(5,8)*.5,np.zeros(5)[:,None],np.random.randn(3,5)*.5,np.zeros(3)[:,None]
def relu(z): return np.maximum(z,0)
def softmax(z): e=np.exp(z-z.max(0)); return e/e.sum(0)
def forward(W1,b1,W2,b2,X): Z1=W1@X+b1; A1=relu(Z1); return Z1,A1,softmax(W2@A1+b2)
def train_step(W1,b1,W2,b2,X,Y,alpha=0.1):
    Z1,A1,P=forward(W1,b1,W2,b2,X); m=X.shape[1]
    dZ2=(P-Y)/m; dZ1=W2.T@dZ2*(Z1>0)
    W2=W2-alpha*dZ2@A1.T; b2=b2-alpha*dZ2.sum(1,keepdims=True); W1=W1-alpha*dZ1@X.T; b1=b1-alpha*dZ1.sum(1,keepdims=True)
    return W1,b1,W2,b2
