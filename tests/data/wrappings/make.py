"""Makes the files of this folder with PyTorch: three small tensors of a model, in what training
programs put around them."""
import collections
import os
import sys
import types

import torch
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import Shard, distribute_tensor

WORDS = "bert.embeddings.word_embeddings.weight"


def state(add=0.0):
    return collections.OrderedDict([(WORDS, torch.arange(6.0).reshape(3, 2) + add),
                                    ("bert.t_pooler.dense.weight", torch.ones(2, 2)),
                                    ("vil_logit.weight", torch.full((1, 2), 0.5))])


def prefixed(tensors, prefix):
    return collections.OrderedDict((prefix + k, v) for k, v in tensors.items())


def foreign(module, name, base=dict):
    for part in (module.split(".")[0], module):
        sys.modules.setdefault(part, types.ModuleType(part))
    kind = type(name, (base,), {})
    kind.__module__ = module
    setattr(sys.modules[module], name, kind)
    return kind


def module_of(tensors):
    root = torch.nn.Module()
    for name, tensor in tensors.items():
        at, parts = root, name.split(".")
        for part in parts[:-1]:
            if part not in at._modules:
                at.add_module(part, torch.nn.Module())
            at = at._modules[part]
        at.register_parameter(parts[-1], torch.nn.Parameter(tensor))
    return root


stop = foreign("vilbert.utils", "MultiTaskStopOnPlateau")(a=1)
stop.best = float("-inf")
trainer = {"model_state_dict": state(), "optimizer_state_dict": {"state": {0: {"exp_avg": torch.ones(2)}}},
           "task_stop_controller": {"TASK1": stop}, "epoch_id": 3, "where": print}
for old in (False, True):
    end = "_old" if old else ""
    torch.save(trainer, "trainer%s.tar" % end, _use_new_zipfile_serialization=not old)
    odd = state()
    odd[WORDS] = torch.stack([odd[WORDS].t(), odd[WORDS].t()])[1].t()
    odd.update(steps=torch.tensor(3), scale=torch.tensor(0.5, dtype=torch.float64),
               phase=torch.zeros(2, dtype=torch.complex64), few=torch.ones(2).to(torch.float8_e4m3fn),
               many=torch.tensor([7, 65535]).to(torch.uint16))
    torch.save(odd, "odd%s.pt" % end, _use_new_zipfile_serialization=not old)
torch.save(module_of(state()), "whole.pt")  # the old format would put PyTorch's source beside it
torch.save({"state_dict": state(), "state_dict_ema": state(10)}, "ema.pt")
torch.save({"model": state(), "ema": {"decay": 0.9, "module": prefixed(state(10), "module.")}}, "nested.pt")
torch.save({"state_dict": collections.OrderedDict(list(prefixed(state(), "model.").items()) +
            list(prefixed(state(10), "model_ema.").items()) + [("loss.weight", torch.ones(1))])}, "beside.ckpt")
same = state()
torch.save({"net": same, "network": same}, "alias.pt")
torch.save({"student": state(), "teacher": state(10)}, "two.pt")
mmf = prefixed(state(), "model.")
mmf.update({"model.classifier.0.dense.weight": torch.ones(4, 2), "model.classifier.0.LayerNorm.weight": torch.ones(4),
            "model.classifier.1.weight": torch.ones(5, 4)})
torch.save({"model": mmf, "best_iteration": 3}, "mmf.pth")


def average(tensors, cut=0):
    """torch-ema's state: what parameters() of a model gives, whose words and decoder are one."""
    model = module_of(tensors)
    model.cls.predictions.decoder.weight = model.bert.embeddings.word_embeddings.weight
    model.register_buffer("position_ids", torch.arange(3))
    shadow = [p.clone().detach() for p in model.parameters()]
    return model, {"decay": 0.9, "num_updates": 3, "shadow_params": shadow[:len(shadow) - cut],
                   "collected_params": None}


def with_head(add=0.0):
    tensors = state(add)
    tensors["cls.predictions.decoder.weight"] = tensors[WORDS]
    return tensors


model, _ = average(with_head())
for name, ema in (("shadow.pt", average(with_head(10))[1]), ("shadow_short.pt", average(with_head(10), 1)[1])):
    torch.save({"model": model.state_dict(), "ema": ema}, name)
turned = average(with_head(10))[1]
turned["shadow_params"].reverse()
torch.save({"model": model.state_dict(), "ema": turned}, "shadow_turned.pt")
torch.save(average(with_head(10))[1], "shadow_alone.pt")
torch.save({"state_dict": prefixed(state(10), "model."), "current_model_state": prefixed(state(), "model."),
            "averaging_state": {"n_averaged": torch.tensor(3)}}, "lightning_average.ckpt")
within = {WORDS: "bert._fsdp_wrapped_module.embeddings._orig_mod.word_embeddings.weight",
          "bert.t_pooler.dense.weight": "bert.t_pooler._checkpoint_wrapped_module.dense.weight"}
torch.save({within.get(k, k): v for k, v in state().items()}, "within.pt")
torch.save({k: v.to(torch.float8_e4m3fn) for k, v in state().items()}, "float8.pt")
os.makedirs("deepspeed/global_step3", exist_ok=True)
with open("deepspeed/latest", "w") as latest:
    latest.write("global_step3")
torch.save({"module": prefixed(state(), "module."), "ds_version": "0.17.1", "ds_config": {},
            "param_shapes": [{k: v.shape for k, v in state().items()}]},
           "deepspeed/global_step3/mp_rank_00_model_states.pt")
torch.save({"optimizer_state_dict": {"zero_stage": 2, "partition_count": [2], "single_partition_of_fp32_groups":
                                     [torch.ones(4)]}, "ds_version": "0.17.1"},
           "deepspeed/global_step3/zero_pp_rank_0_mp_rank_00_optim_states.pt")
torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
mesh = init_device_mesh("cpu", (1,))
torch.save({"model": {k: distribute_tensor(v, mesh, [Shard(0)]) for k, v in state().items()}}, "sharded.pt")
torch.distributed.destroy_process_group()
torch.save(dict({"": torch.ones(2)}, **state()), "empty_name.pt")

one = torch.ones(2)  # an optimizer with a dictionary for each parameter, before the model
torch.save({"optimizer": {"state": {"p%d" % i: {"exp_avg": one, "step": one} for i in range(70)}}, "model": state()},
           "named_optimizer.pt")
torch.save({"optimizer": {"state": {"p%d" % i: {"exp_avg": one, "step": one} for i in range(70)}},
            "model": model.state_dict(), "ema": average(with_head(10))[1]}, "named_shadow.pt")
keeper = foreign("vilbert.ema", "Average", object)()
keeper.shadow, keeper.decay = state(10), 0.9
torch.save({"model": state(), "ema": keeper}, "average_object.pt")
torch.save({"state_dict": state(), "callbacks": {"EMACallback{'decay': 0.9}": {"weights": state(10)}}}, "callback.ckpt")
quantized = state()
quantized["vil_logit.bias"] = torch.quantize_per_tensor(torch.ones(1), 0.1, 0, torch.qint8)
quantized["frozen"] = torch.nn.Parameter(quantized["vil_logit.bias"], requires_grad=False)
quantized["mask"] = torch.eye(2).to_sparse()
torch.save(quantized, "quantized.pt")
torch.save(state(), "protocol_1.pt", pickle_protocol=1, _use_new_zipfile_serialization=False)
torch.jit.script(torch.nn.Linear(2, 1)).save("script.pt")
