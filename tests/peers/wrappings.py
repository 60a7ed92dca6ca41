#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checkpoints as they lie around: the tiny model saved by today's torch and safetensors in each
wrapping, and opened by vilscope. Each has to answer as the plain file does, to the last digit.

    tests/peers/wrappings.py BUILD_FOLDER [NAME...]

Prints TAP. Needs torch; safetensors for its files. Without them the tests are skipped, and say so.
What breaks it: a wrapping that is not taken off, or tensors read with a wrong type, order or stride.
"""
import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import types
import zipfile

SOURCE = pathlib.Path(__file__).resolve().parents[2]
TINY = SOURCE / "tests/data/tiny"
QUESTIONS = [("vqa", ["scene"]), ("refcoco", ["scene"]), ("nlvr2", ["scene", "mirror"])]


def skip_all(why):
    print("1..0 # SKIP " + why)
    sys.exit(0)


try:
    import torch
except ImportError:
    skip_all("python3 has no torch")
try:
    from safetensors.torch import save_file, save_model
except ImportError:
    save_file = save_model = None

Tensors = collections.OrderedDict


def prefixed(state, prefix):
    return Tensors((prefix + k, v) for k, v in state.items())


def noise(state):
    """Another set of weights, to tell by its answers when it is taken."""
    generator = torch.Generator().manual_seed(5)
    return Tensors((k, v + 0.3 * torch.randn(v.shape, generator=generator).to(v.dtype))
                   for k, v in state.items())


def module_of(state):
    """A module whose state dict is state: what torch.save(model) pickles."""
    root = torch.nn.Module()
    for name, tensor in state.items():
        at, parts = root, name.split(".")
        for part in parts[:-1]:
            if part not in at._modules:
                at.add_module(part, torch.nn.Module())
            at = at._modules[part]
        at.register_parameter(parts[-1], torch.nn.Parameter(tensor, requires_grad=False))
    return root


def foreign(module, name, base=object, **members):
    """A class of a module that only its owner has."""
    made = types.ModuleType(module)
    sys.modules.setdefault(module.split(".")[0], types.ModuleType(module.split(".")[0]))
    sys.modules.setdefault(module, made)
    kind = type(name, (base,), members)
    kind.__module__ = module
    kind.__qualname__ = name
    setattr(sys.modules[module], name, kind)
    return kind


def trainer(state):
    """pytorch_ckpt_latest.tar of the reference: model, optimizer, schedule, and objects of its own
    classes (vilbert/utils.py: MultiTaskStopOnPlateau, tbLogger)."""
    stop = foreign("vilbert.utils", "MultiTaskStopOnPlateau")()
    stop.__dict__.update(mode="max", patience=1, cooldown=1, in_stop=False, best=float("-inf"))
    logger = foreign("vilbert.utils", "tbLogger")()
    logger.__dict__.update(log_dir="logs", task_ids=["TASK1"], epochId=collections.defaultdict(int),
                           task_loss={"TASK1": torch.tensor(0.5)}, save_logger=True)
    weight = torch.nn.Parameter(state["vil_logit.weight"].float())
    optimizer = torch.optim.AdamW([weight])
    weight.grad = torch.ones_like(weight)
    optimizer.step()
    return {"model_state_dict": state, "optimizer_state_dict": optimizer.state_dict(),
            "warmup_scheduler_state_dict": {"base_lrs": [4e-5], "last_epoch": 7, "verbose": False},
            "global_step": 70, "epoch_id": 7, "task_stop_controller": {"TASK1": stop},
            "tb_logger": logger}


def lightning(state):
    names = foreign("argparse", "Namespace") if "argparse" not in sys.modules else None
    del names
    import argparse
    return {"epoch": 3, "global_step": 12, "pytorch-lightning_version": "2.4.0",
            "state_dict": Tensors(list(prefixed(state, "model.").items()) +
                                  [("loss.weight", torch.ones(3)), ("metric.total",
                                                                    torch.tensor(5))]),
            "callbacks": {"ModelCheckpoint{'monitor': 'loss'}": {"best_model_path": "a/b.ckpt",
                                                                "best_score": torch.tensor(0.1)}},
            "optimizer_states": [], "lr_schedulers": [], "loops": {"fit_loop": {"state_dict": {}}},
            "hyper_parameters": argparse.Namespace(lr=1e-4, path=pathlib.PurePosixPath("/data"))}


def wide(state):
    """Views that are not contiguous, scalars, and types that nobody needs."""
    out = Tensors(state)
    name = "bert.encoder.layer.0.intermediate.dense.weight"
    out[name] = state[name].t().contiguous().t()
    name = "bert.encoder.v_layer.0.output.dense.weight"
    out[name] = state[name].repeat(1, 2)[:, :state[name].shape[1]]
    name = "bert.encoder.layer.1.attention.self.query.weight"
    large = torch.zeros(2 * state[name].shape[0], state[name].shape[1], dtype=state[name].dtype)
    large[1::2] = state[name]
    out[name] = large[1::2]
    out["steps"] = torch.tensor(3)
    out["scale"] = torch.tensor(0.5, dtype=torch.float64)
    out["phase"] = torch.zeros(2, dtype=torch.complex64)
    out["mask"] = torch.ones(3, 3, dtype=torch.bool)
    out["bert.embeddings.position_ids"] = torch.arange(32).expand(1, -1)
    if hasattr(torch, "float8_e4m3fn"):
        out["scales"] = torch.zeros(4).to(torch.float8_e4m3fn)
    for i, kind in enumerate(("uint16", "uint32", "uint64", "complex128", "float8_e5m2")):
        if hasattr(torch, kind):
            out["odd%d" % i] = torch.zeros(2).to(getattr(torch, kind))
    return out


def mmf(state):
    """MMF's ViLBERT: names of the model below "model.", classifier of its own."""
    out = Tensors()
    for name, tensor in state.items():
        if name.startswith("bert.") and "task_embeddings" not in name:
            out["model." + name] = tensor
        elif name.startswith("vil_prediction."):
            for ours, theirs in (("logit_fc.0", "0.dense"), ("logit_fc.2", "0.LayerNorm"),
                                 ("logit_fc.3", "1")):
                name = name.replace("vil_prediction." + ours, "model.classifier." + theirs)
            out[name] = tensor
    out["model.bert.embeddings.position_ids"] = torch.arange(32).expand(1, -1)
    return out


def ema_copies(state):
    other = noise(state)
    shadow = Tensors(list(prefixed(other, "model.").items()) +
                     list(prefixed(state, "model_ema.module.").items()))
    averaged = Tensors([("n_averaged", torch.tensor(9))] + list(prefixed(state, "module.").items()))
    return {
        "timm": {"state_dict": other, "state_dict_ema": state, "epoch": 3},
        "detectron": {"model": other, "ema_state": state},
        "detr": {"model": other, "model_ema": prefixed(state, "module.")},
        "nested": {"model": other, "ema": {"decay": 0.999, "module": state}},
        "nested_state": {"model": other, "ema": {"decay": 0.999, "state_dict": state}},
        "beside": {"state_dict": shadow},
        "swa": {"model": other, "swa_model": averaged},
        "only": {"ema_state_dict": state, "step": 5},
        # on_save_checkpoint of Lightning's WeightAveraging, which EMAWeightAveraging is:
        "lightning": {"state_dict": state, "current_model_state": other, "averaging_state": {
            "n_averaged": torch.tensor(9)}, "callbacks": {"EMAWeightAveraging": {"latest_update_step": 8}}},
    }


def parameters(state):
    """A module of these tensors, those of one place being one parameter, and its parameters()."""
    module, seen = module_of(state), {}
    for name, tensor in state.items():
        at, last = module.get_submodule(name.rpartition(".")[0]), name.rpartition(".")[2]
        at._parameters[last] = seen.setdefault(tensor.data_ptr(), at._parameters[last])
    return module, [p.clone().detach() for p in module.parameters()]


def float8(state, kind, back=False):
    """Matrices in 8 bits, as .to(torch.float8_...) makes them; back: the same numbers, widened."""
    narrow = lambda v: v.to(getattr(torch, kind))
    return Tensors((k, (narrow(v).to(torch.float16) if back else narrow(v)) if v.ndim == 2 else v)
                   for k, v in state.items())


def layerwise(state):
    """Wrappers that stand within the names: a compiled layer, FSDP, checkpointed activations."""
    out = Tensors()
    for name, tensor in state.items():
        for part, wrapper in ((".v_layer.0.", "_orig_mod."), (".layer.", "_checkpoint_wrapped_module."),
                              ("bert.embeddings.", "_fsdp_wrapped_module."), (".c_layer.0.", "_orig_mod.")):
            if part in name:
                end = name.index(part) + len(part)
                end = end if part[-2].isdigit() or part == "bert.embeddings." else name.index(".", end) + 1
                name = name[:end] + wrapper + name[end:]
        out["_fsdp_wrapped_module." + name] = tensor
    return out


def deepspeed(folder, state):
    """What model_engine.save_checkpoint leaves with ZeRO 1 or 2, by the names of DeepSpeed's engine.py."""
    step = folder / "global_step3"
    step.mkdir(parents=True)
    shapes = Tensors((k, v.shape) for k, v in state.items())
    torch.save({"module": prefixed(state, "module."), "buffer_names": [], "optimizer": None, "lr_scheduler": None,
                "param_shapes": [shapes], "frozen_param_shapes": None, "shared_params": {}, "dp_world_size": 2,
                "mp_world_size": 1, "global_steps": 3, "ds_version": "0.17.1",
                "ds_config": {"zero_optimization": {"stage": 2}}}, step / "mp_rank_00_model_states.pt")
    flat = torch.cat([v.float().flatten() for v in state.values()])[:1000]
    torch.save({"optimizer_state_dict": {"loss_scaler": None, "dynamic_loss_scale": False, "overflow": False,
                                         "zero_stage": 2, "partition_count": [2], "base_optimizer_state": [],
                                         "single_partition_of_fp32_groups": [flat]},
                "ds_config": {}, "ds_version": "0.17.1"}, step / "zero_pp_rank_0_mp_rank_00_optim_states.pt")
    (folder / "latest").write_text("global_step3")
    return step


def zero3(folder, state):
    """With ZERO 3 the model's file has names, and tensors of no numbers."""
    step = deepspeed(folder, Tensors((k, v.new_empty(0)) for k, v in state.items()))
    (step / "mp_rank_00_model_states.pt").rename(step / "zero_pp_rank_0_mp_rank_00_model_states.pt")
    return step


def torch_ema(state):
    """torch-ema's state_dict beside the model's: a list in the order of model.parameters()."""
    words, decoder = "bert.embeddings.word_embeddings.weight", "cls.predictions.decoder.weight"
    plain, averaged = noise(state), Tensors(state)
    plain[decoder], averaged[decoder] = plain[words], averaged[words]
    shadow = parameters(averaged)[1]
    return {"model": parameters(plain)[0].state_dict(), "epoch": 2,
            "ema": {"decay": 0.99, "num_updates": 7, "shadow_params": shadow, "collected_params": None}}


def nameless_copies(state):
    """Two sets of weights of which no name says which is which; what --weights is given."""
    other = noise(state)
    both = Tensors(list(other.items()) + list(prefixed(state, "teacher.").items()))
    return {
        "dicts": ({"net_a": other, "net_b": state}, "net_b"),
        "deep": ({"run": {"one": {"weights": other}, "two": {"weights": state}}}, "run.two.weights"),
        "prefixes": (Tensors(list(prefixed(other, "a.").items()) + list(prefixed(state, "b.").items())), "b"),
        "beside_plain": (both, "teacher"),
        "plain_beside": (Tensors(list(state.items()) + list(prefixed(other, "teacher.").items())), None),
        "module": ({"one": module_of(other), "two": module_of(state)}, "two"),
        "shadow": ({"model": other, "ema": {"decay": 0.9, "shadow": state}}, "ema"),
    }


# ---- writing the files


def save_old(what, path):
    torch.save(what, path, _use_new_zipfile_serialization=False)


def shards(folder, state, ending):
    names, parts = list(state), ({}, {})
    for i, name in enumerate(names):
        parts[i % 2][name] = state[name].contiguous().clone()
    stem = "model" if ending == "safetensors" else "pytorch_model"
    where = {}
    for i, part in enumerate(parts):
        file = "%s-%05d-of-00002.%s" % (stem, i + 1, ending)
        (save_file if ending == "safetensors" else torch.save)(part, os.path.join(folder, file))
        where.update((name, file) for name in part)
    index = os.path.join(folder, "%s.%s.index.json" % (stem, ending))
    with open(index, "w") as f:
        json.dump({"metadata": {"total_size": 1}, "weight_map": where}, f)
    return index


def saved_folder(folder, state, ending, index):
    folder.mkdir()
    for name in ("config.json", "vocab.txt"):
        (folder / name).write_bytes((TINY / name).read_bytes())
    if index:
        shards(str(folder), state, ending)
    elif ending == "safetensors":
        save_file({k: v.contiguous().clone() for k, v in state.items()}, str(folder / "model.safetensors"),
                  metadata={"format": "pt"})
    else:
        torch.save(state, str(folder / "pytorch_model.bin"))
    return folder


def files(folder, state):
    """name: (what -m and -c are given, whether every head is there)."""
    out = {}

    def put(name, what, save=torch.save, options=(), tasks=("vqa", "refcoco", "nlvr2")):
        path = str(folder / name)
        save(what, path)
        out[name] = (["-m", str(TINY), "-c", path, *options], tasks)

    put("plain.pt", state)
    put("old.bin", state, save_old)
    for prefix in ("module.", "model.", "_orig_mod.", "module.module.", "_orig_mod.module.",
                   "model._orig_mod.", "net.", "student.backbone.", "vilbert."):
        put("prefix_%s.pt" % prefix.strip("."), prefixed(state, prefix))
    for key in ("model_state_dict", "model", "state_dict", "net", "weights", "params", "network",
                "generator", "student"):
        put("dict_%s.pt" % key, {"epoch": 3, key: prefixed(state, "module."), "args": None})
    put("double_dict.pt", {"checkpoint": {"model": {"state_dict": state}}})
    put("lightning.ckpt", lightning(state))
    put("pytorch_ckpt_latest.tar", trainer(state))
    put("pytorch_ckpt_latest_old.tar", trainer(state), save_old)
    put("whole_module.pt", module_of(state))
    put("whole_module_old.pt", module_of(state), save_old)
    put("wide.pt", wide(state))
    put("wide_old.pt", wide({k: v for k, v in state.items()}), torch.save)
    put("float64.pt", Tensors((k, v.double()) for k, v in state.items()))
    put("parameters.pt", Tensors((k, torch.nn.Parameter(v)) for k, v in state.items()))
    put("plain_dict.pt", dict(state))
    put("swa.pt", Tensors([("n_averaged", torch.tensor(9))] +
                          list(prefixed(state, "module.").items())))
    put("without_tasks.pt", Tensors((k, v) for k, v in state.items() if "task_emb" not in k and "vil_logit" not in k),
        tasks=())
    put("mmf.pth", mmf(state), tasks=("vqa",))
    put("mmf_best.ckpt", {"model": mmf(state), "optimizer": {}, "best_iteration": 3,
                          "config": "training_config: ...", "best_metric_value": 0.6},
        tasks=("vqa",))
    for name, what in ema_copies(state).items():
        put("ema_%s.pt" % name, what, options=[] if name == "only" else ["--weights", "ema"])
        put("ema_%s_plainly.pt" % name, what if name == "only" else swapped(what), options=[])
    put("torch_ema.pt", torch_ema(state), options=["--weights", "ema"])
    for name, (what, chosen) in nameless_copies(state).items():
        put("copies_%s.pt" % name, what, options=["--weights", chosen] if chosen else [])
    for kind in ("float8_e4m3fn", "float8_e5m2"):
        if hasattr(torch, kind):
            put(kind + ".pt", float8(state, kind))
            put(kind + "_widened.pt", float8(state, kind, True), tasks=())
    put("layerwise.pt", layerwise(state))
    step = deepspeed(folder / "deepspeed", state)
    for name in (folder / "deepspeed", step, step / "mp_rank_00_model_states.pt"):
        out[str(name.relative_to(folder))] = (["-m", str(TINY), "-c", str(name)], ("vqa", "refcoco", "nlvr2"))
    for index in (False, True):
        path = saved_folder(folder / ("hf_bin_%d" % index), state, "bin", index)
        out[path.name + " -m"] = (["-m", str(path)], ("vqa", "refcoco"))
        out[path.name + " -c"] = (["-m", str(TINY), "-c", str(path)], ("vqa", "refcoco", "nlvr2"))
    if not save_file:
        return out
    put("tied.safetensors", module_of(state), save_model)
    if hasattr(torch, "float8_e4m3fn"):
        put("float8_e4m3fn.safetensors", {k: v.contiguous().clone() for k, v in
                                          float8(state, "float8_e4m3fn").items()}, save_file)
    put("plain.safetensors", {k: v.contiguous().clone() for k, v in state.items()}, save_file)
    odd = {k: v.contiguous().clone() for k, v in wide(state).items() if v.dtype != torch.complex128}
    put("odd.safetensors", odd, save_file)
    for index in (False, True):
        path = saved_folder(folder / ("hf_safetensors_%d" % index), state, "safetensors", index)
        out[path.name + " -m"] = (["-m", str(path)], ("vqa", "refcoco"))
        out[path.name + " -c"] = (["-m", str(TINY), "-c", str(path)], ("vqa", "refcoco", "nlvr2"))
    put("prefix.safetensors", {"model." + k: v.contiguous().clone() for k, v in state.items()}, save_file)
    return out


def like_of(name, all_files):
    """The file whose answers another one has to give; None: the plain one."""
    if name.startswith("mmf"):  # has no embeddings of tasks
        return "without_tasks.pt"
    widened = name.rpartition(".")[0] + "_widened.pt"
    return widened if widened in all_files else None


def refused(folder, state):
    """name: (path, what its one line has to say)."""
    import torch.distributed as dist
    import torch.distributed.checkpoint as dcp
    out = {}
    step = deepspeed(folder / "refused_zero2", state)
    out["optimizer of ZeRO"] = (step / "zero_pp_rank_0_mp_rank_00_optim_states.pt", "zero_to_fp32.py")
    step = zero3(folder / "refused_zero3", state)
    out["folder of ZeRO 3"] = (folder / "refused_zero3", "zero_to_fp32.py")
    out["model of ZeRO 3"] = (step / "zero_pp_rank_0_mp_rank_00_model_states.pt", "zero_to_fp32.py")
    parts = folder / "refused_dcp"
    dcp.save({"model": dict(state)}, checkpoint_id=str(parts))
    for path in (parts, parts / ".metadata", parts / "__0_0.distcp"):
        out["torch.distributed: " + path.name] = (path, "dcp_to_torch")
    if dist.is_available() and dist.is_gloo_available():
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.tensor import Shard, distribute_tensor
        dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
        mesh = init_device_mesh("cpu", (1,))
        path = folder / "refused_dtensor.pt"
        torch.save({"model": {k: distribute_tensor(v, mesh, [Shard(0)]) for k, v in state.items()}}, path)
        dist.destroy_process_group()
        out["DTensor"] = (path, "full_state_dict")
    torch.save(state, folder / "little.pt")
    path = folder / "refused_big_endian.pt"
    with zipfile.ZipFile(folder / "little.pt") as little, zipfile.ZipFile(path, "w") as big:
        for name in little.namelist():
            big.writestr(name, b"big" if name.endswith("/byteorder") else little.read(name))
    out["big-endian numbers"] = (path, "torch.load reads it")
    if save_file and hasattr(torch, "float8_e4m3fn"):
        scaled = {k: v.contiguous().clone() for k, v in float8(state, "float8_e4m3fn").items()}
        scaled["bert.t_pooler.dense.weight_scale"] = torch.tensor(0.5)
        path = folder / "refused_scaled.safetensors"
        save_file(scaled, str(path))
        out["float8 with scales"] = (path, "weight_scale")
    return out


def swapped(what):
    """The same file with its two sets of weights exchanged: the plain one is the true one."""
    keys = [k for k, v in what.items() if isinstance(v, dict)]
    if len(keys) == 1:
        both = what[keys[0]]
        ends = sorted({k.split("bert.")[0] for k in both if "bert." in k})
        other = {k: both[ends[1] + k[len(ends[0]):]] for k in both if k.startswith(ends[0])}
        return {keys[0]: Tensors([(k, other.get(k, both[ends[0] + k[len(ends[1]):]]
                                                if k.startswith(ends[1]) else v))
                                  for k, v in both.items()])}
    first, second = what[keys[0]], what[keys[1]]
    inner = next((k for k, v in second.items() if isinstance(v, dict)), None)
    true = second[inner] if inner else second
    true = Tensors((k[len("module."):] if k.startswith("module.") else k, v)
                   for k, v in true.items() if k != "n_averaged")
    other = dict(second, **{inner: first}) if inner else first
    return dict(what, **{keys[0]: true, keys[1]: other})


# ---- what they answer


def ask(build, options, task):
    pictures = [str(TINY / (p + ".png")) for t, ps in QUESTIONS if t == task for p in ps]
    run = subprocess.run([str(build / "vilscope"), "query", "--no-log", "--json", "-t", task,
                          *options, *pictures, "what is this"], capture_output=True, text=True)
    if run.returncode != 0:
        return None, run.stderr.strip()
    return answers_of(json.loads(run.stdout)), ""


def answers_of(doc):
    """Numbers and words of the answers, without what names the file."""
    if isinstance(doc, dict):
        return {k: answers_of(v) for k, v in doc.items() if k in (
            "answers", "regions", "images", "text", "label", "probability", "logit", "score", "box",
            "result", "results", "answer", "value", "rank", "top")}
    return [answers_of(v) for v in doc] if isinstance(doc, list) else doc


def main():
    if len(sys.argv) < 2:
        sys.exit("which build folder?")
    build = pathlib.Path(sys.argv[1]).resolve()
    state = torch.load(TINY / "checkpoint.bin", weights_only=True)
    with tempfile.TemporaryDirectory() as name:
        all_files = files(pathlib.Path(name), state)
        bad_files = refused(pathlib.Path(name), state)
        chosen = [n for n in all_files if len(sys.argv) < 3 or n in sys.argv[2:]]
        unread = [n for n in bad_files if len(sys.argv) < 3 or n in sys.argv[2:]]
        want = {t: ask(build, ["-m", str(TINY)], t)[0] for t, _ in QUESTIONS}
        failed = not all(want.values())
        print("1..%d" % (len(chosen) + len(unread) + 1))
        print("%s 1 - the plain file answers" % ("not ok" if failed else "ok"))
        for number, name in enumerate(chosen, 2):
            options, tasks = all_files[name]
            bad = ""
            for task in tasks:
                got, why = ask(build, options, task)
                other = like_of(name, all_files)
                like = ask(build, all_files[other][0], task)[0] if other else want[task]
                if got != like or like is None:
                    bad = bad or "%s: %s" % (task, why or "other answers")
            failed |= bool(bad)
            print("%s %d - %s%s" % ("not ok" if bad else "ok", number, name,
                                    "\n# " + bad if bad else ""))
        for number, name in enumerate(unread, len(chosen) + 2):
            path, words = bad_files[name]
            got, why = ask(build, ["-m", str(TINY), "-c", str(path)], "vqa")
            good = got is None and words in why and "\n" not in why
            failed |= not good
            print("%s %d - %s is refused: %s" % ("ok" if good else "not ok", number, name, why))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
