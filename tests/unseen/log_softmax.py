import numpy as np
def log_softmax(z): z=z-z.max(axis=1,keepdims=True); return z-np.log(np.exp(z).sum(axis=1,keepdims=True))
class Net:
    def __init__(self): self.fc1_weight=np.random.randn(8,10); self.fc1_bias=np.zeros(8); self.fc2_weight=np.random.randn(4,8); self.fc2_bias=np.zeros(4)
    def forward(self,x): self.x=x; self.h=np.tanh(x@self.fc1_weight.T+self.fc1_bias); self.logp=log_softmax(self.h@self.fc2_weight.T+self.fc2_bias); return self.logp
    def nll_loss(self,logp,y): return -logp[np.arange(len(y)),y].mean()
    def backward(self,y):
        g=np.exp(self.logp); g[np.arange(len(y)),y]-=1; g/=len(y)
        self.fc2_weight_grad=g.T@self.h; self.fc2_bias_grad=g.sum(0); gh=g@self.fc2_weight*(1-self.h**2); self.fc1_weight_grad=gh.T@self.x; self.fc1_bias_grad=gh.sum(0)
