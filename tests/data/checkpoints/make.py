"""Makes training.pt and training_old.bin, as a trainer leaves checkpoints (PyTorch 2.2)."""
import argparse
import collections

import torch

torch.manual_seed(1)
m=torch.nn.Sequential(collections.OrderedDict([('a',torch.nn.Linear(2,2)),('n',torch.nn.LayerNorm(2))]))
o=torch.optim.AdamW([{'params':m.a.parameters(),'lr':4e-5},{'params':m.n.parameters(),'lr':1e-4,'weight_decay':0.0}],lr=1e-4)
s=torch.optim.lr_scheduler.StepLR(o,2)
m(torch.ones(1,2)).sum().backward(); o.step(); s.step()
d=dict(model_state_dict=m.state_dict(),optimizer_state_dict=o.state_dict(),warmup_scheduler_state_dict=s.state_dict(),global_step=7,epoch_id=1,loss=0.25,args=argparse.Namespace(learning_rate=4e-5,tasks='1-2',fp16=False,seed=None))
torch.save(d,'training.pt'); torch.save(d,'training_old.bin',_use_new_zipfile_serialization=False)
