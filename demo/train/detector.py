#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Trains the demo's region detector on rendered scenes.

usage: detector.py WORLD OUT [--steps N] [--threads N] [--seed S]

WORLD is a folder of "vilscope world". Writes OUT/detector.pth (a PyTorch file with a "model"
dictionary, names and shapes as in the published one), OUT/detector.json (its description) and
OUT/classes.txt. The network is the published one's family: grouped bottlenecks, a feature pyramid,
proposals, pooled regions, two dense layers. Boxes count their last pixel, anchors stand at
(stride - 1) / 2, as there.
"""
import argparse
import json
import math
import os
import time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from PIL import Image

from names import COLORS, PATTERNS, SHAPES, SIZES

ARCH = {
    "stem_out": 16, "groups": 8, "width_per_group": 2, "res2_out": 32, "blocks": [1, 2, 2, 1],
    "stride_in_1x1": False, "fpn_out": 48, "mlp_dim": 96, "num_classes": 11,
    "anchor_sizes": [16, 32, 64, 128, 256], "anchor_strides": [4, 8, 16, 32, 64],
    "aspect_ratios": [0.7, 1.0, 1.4], "pre_nms_top_n": 200, "post_nms_top_n": 100,
    "fpn_post_nms_top_n": 100, "rpn_nms_thresh": 0.7, "rpn_min_size": 0, "pooler_resolution": 7,
    "pooler_sampling_ratio": 2, "pooler_scales": [0.25, 0.125, 0.0625, 0.03125], "min_side": 192,
    "max_side": 256, "size_divisible": 32, "num_features": 16, "class_nms_thresh": 0.5,
    "conf_thresh": 0.0, "background": False,
}
MEAN = torch.tensor([102.9801, 115.9465, 122.7717]).view(1, 3, 1, 1)
INPUT_SCALE = 1 / 64  # folded into the first convolution when the weights are written


# ---- the network; names of modules are those of the published state dict


class Frozen(nn.BatchNorm2d):
    """Trained as a batch norm; written without its epsilon, which is added to the variance."""


def conv(cin, cout, kernel, stride=1, groups=1, bias=False):
    return nn.Conv2d(cin, cout, kernel, stride, kernel // 2, 1, groups, bias)


class Stem(nn.Module):
    def __init__(self, out):
        super().__init__()
        self.conv1, self.bn1 = conv(3, out, 7, 2), Frozen(out)

    def forward(self, x):
        return F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)


class Block(nn.Module):
    def __init__(self, cin, mid, out, stride, groups):
        super().__init__()
        self.conv1, self.bn1 = conv(cin, mid, 1), Frozen(mid)
        self.conv2, self.bn2 = conv(mid, mid, 3, stride, groups), Frozen(mid)
        self.conv3, self.bn3 = conv(mid, out, 1), Frozen(out)
        self.downsample = nn.Sequential(conv(cin, out, 1, stride), Frozen(out)) if cin != out else None

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn3(self.conv3(F.relu(self.bn2(self.conv2(y)))))
        return F.relu(y + (self.downsample(x) if self.downsample else x))


class Body(nn.Module):
    def __init__(self, a):
        super().__init__()
        self.stem, cin = Stem(a["stem_out"]), a["stem_out"]
        for s, n in enumerate(a["blocks"]):
            mid, out = a["groups"] * a["width_per_group"] << s, a["res2_out"] << s
            blocks = []
            for i in range(n):
                blocks.append(Block(cin, mid, out, 2 if s and not i else 1, a["groups"]))
                cin = out
            setattr(self, "layer%d" % (s + 1), nn.Sequential(*blocks))

    def forward(self, x):
        x, out = self.stem(x), []
        for s in range(4):
            x = getattr(self, "layer%d" % (s + 1))(x)
            out.append(x)
        return out


class Pyramid(nn.Module):
    def __init__(self, a):
        super().__init__()
        for i in range(4):
            setattr(self, "fpn_inner%d" % (i + 1), conv(a["res2_out"] << i, a["fpn_out"], 1, bias=True))
            setattr(self, "fpn_layer%d" % (i + 1), conv(a["fpn_out"], a["fpn_out"], 3, bias=True))

    def forward(self, c):
        inner, out = None, [None] * 4
        for i in (3, 2, 1, 0):
            y = getattr(self, "fpn_inner%d" % (i + 1))(c[i])
            inner = y if inner is None else y + F.interpolate(inner, scale_factor=2)
            out[i] = getattr(self, "fpn_layer%d" % (i + 1))(inner)
        return out + [out[3][:, :, ::2, ::2]]


class Head(nn.Module):
    def __init__(self, a):
        super().__init__()
        n, c = len(a["aspect_ratios"]), a["fpn_out"]
        self.conv = conv(c, c, 3, bias=True)
        self.cls_logits, self.bbox_pred = conv(c, n, 1, bias=True), conv(c, 4 * n, 1, bias=True)

    def forward(self, p):
        t = F.relu(self.conv(p))
        return self.cls_logits(t), self.bbox_pred(t)


class Detector(nn.Module):
    def __init__(self, a):
        super().__init__()
        self.a = a
        self.backbone = nn.ModuleDict({"body": Body(a), "fpn": Pyramid(a)})
        self.rpn = nn.ModuleDict({"head": Head(a)})
        d, bins = a["mlp_dim"], a["pooler_resolution"]
        self.roi_heads = nn.ModuleDict({"box": nn.ModuleDict({
            "feature_extractor": nn.ModuleDict({"fc6": nn.Linear(a["fpn_out"] * bins * bins, d),
                                                "fc7": nn.Linear(d, d)}),
            "predictor": nn.ModuleDict({"cls_score": nn.Linear(d, a["num_classes"]),
                                        "bbox_pred": nn.Linear(d, 4 * a["num_classes"])})})})
        # For training only: what the features have to know beside the class.
        self.attributes = nn.Linear(d, len(COLORS) + len(PATTERNS) + len(SIZES))
        self.anchors = [self.level_anchors(i) for i in range(5)]
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, nonlinearity="relu")
                if m.bias is not None:
                    nn.init.zeros_(m.bias)
        for m in (self.rpn["head"].cls_logits, self.rpn["head"].bbox_pred):
            nn.init.normal_(m.weight, std=0.01)

    def cells(self, i):
        size, stride, out = self.a["anchor_sizes"][i], self.a["anchor_strides"][i], []
        centre = (stride - 1) / 2
        for r in self.a["aspect_ratios"]:
            w, h = size / math.sqrt(r), size * math.sqrt(r)
            out.append([centre - (w - 1) / 2, centre - (h - 1) / 2, centre + (w - 1) / 2,
                        centre + (h - 1) / 2])
        return torch.tensor(out)

    def level_anchors(self, i, h=192, w=256):
        stride = self.a["anchor_strides"][i]
        y, x = torch.meshgrid(torch.arange(-(-h // stride)) * stride,
                              torch.arange(-(-w // stride)) * stride, indexing="ij")
        shift = torch.stack([x, y, x, y], -1).view(-1, 1, 4)
        return (shift + self.cells(i).view(1, -1, 4)).view(-1, 4)

    def forward(self, images):
        p = self.backbone["fpn"](self.backbone["body"](images))
        logits, deltas = [], []
        for level in p:
            a, b = self.rpn["head"](level)
            logits.append(a.permute(0, 2, 3, 1).reshape(len(images), -1))
            deltas.append(b.permute(0, 2, 3, 1).reshape(len(images), -1, 4))
        return p, torch.cat(logits, 1), torch.cat(deltas, 1)

    def features(self, p, boxes):
        """boxes: a list of (n, 4) for each image. fc6 before and after its successor."""
        flat = torch.cat(boxes)
        image = torch.cat([torch.full((len(b),), float(i)) for i, b in enumerate(boxes)])
        side = ((flat[:, 2] - flat[:, 0] + 1) * (flat[:, 3] - flat[:, 1] + 1)).sqrt()
        level = (4 + (side / 224 + 1e-6).log2()).floor().clamp(2, 5) - 2
        bins = self.a["pooler_resolution"]
        pooled = torch.zeros(len(flat), p[0].shape[1], bins, bins)
        for i in range(4):
            at = (level == i).nonzero().flatten()
            if len(at):
                pooled = pooled.index_put((at,), pool(p[i], image[at].long(), flat[at], 0.25 / 2 ** i,
                                                      bins))
        x = self.roi_heads["box"]["feature_extractor"]
        fc6 = F.relu(x["fc6"](pooled.flatten(1)))
        return fc6, F.relu(x["fc7"](fc6))


def pool(p, image, boxes, scale, bins):
    """Pooled regions, 2x2 samples a bin, no half pixel shift (Mask R-CNN's legacy ROI align)."""
    n, (c, h, w) = len(boxes), p.shape[1:]
    x1, y1, x2, y2 = (boxes * scale).unbind(1)
    bw, bh = (x2 - x1).clamp(min=1) / bins, (y2 - y1).clamp(min=1) / bins
    step = (torch.arange(2 * bins) + 0.5) / 2
    xs, ys = x1[:, None] + step * bw[:, None], y1[:, None] + step * bh[:, None]

    def taps(v, size):
        inside = (v >= -1) & (v <= size)
        v = v.clamp(min=0)
        low = v.floor().clamp(max=size - 1)
        high = (low + 1).clamp(max=size - 1)
        t = torch.where(low >= size - 1, torch.zeros_like(v), v - low)
        return low.long(), high.long(), t, inside

    xa, xb, tx, ix = taps(xs, w)
    ya, yb, ty, iy = taps(ys, h)
    flat = p.permute(0, 2, 3, 1).reshape(-1, c)

    def at(y, x):
        return flat[(image[:, None, None] * h + y[:, :, None]) * w + x[:, None, :]]

    tx, ty = tx[:, None, :, None], ty[:, :, None, None]
    v = at(ya, xa) * (1 - ty) * (1 - tx) + at(ya, xb) * (1 - ty) * tx + \
        at(yb, xa) * ty * (1 - tx) + at(yb, xb) * ty * tx
    v = v * (iy[:, :, None] & ix[:, None, :])[..., None]
    return v.view(n, bins, 2, bins, 2, c).mean((2, 4)).permute(0, 3, 1, 2)


# ---- boxes


def overlaps(a, b):
    low, high = torch.maximum(a[:, None, :2], b[None, :, :2]), torch.minimum(a[:, None, 2:], b[None, :, 2:])
    both = (high - low + 1).clamp(min=0).prod(2)
    area = lambda x: (x[:, 2:] - x[:, :2] + 1).prod(1)
    return both / (area(a)[:, None] + area(b)[None] - both)


def encode(boxes, anchors):
    side, mine = anchors[:, 2:] - anchors[:, :2] + 1, boxes[:, 2:] - boxes[:, :2] + 1
    return torch.cat([(boxes[:, :2] + mine / 2 - anchors[:, :2] - side / 2) / side,
                      (mine / side).log()], 1)


def decode(deltas, anchors, w=256, h=192):
    side = anchors[:, 2:] - anchors[:, :2] + 1
    centre = deltas[:, :2] * side + anchors[:, :2] + side / 2
    half = deltas[:, 2:].clamp(max=math.log(1000 / 16)).exp() * side / 2
    box = torch.cat([centre - half, centre + half - 1], 1)
    limit = torch.tensor([w - 1, h - 1, w - 1, h - 1.0])
    return torch.minimum(box.clamp(min=0), limit)


def suppress(boxes, scores, threshold, most):
    order = scores.argsort(descending=True)
    o, keep = overlaps(boxes[order], boxes[order]) > threshold, []
    lost = torch.zeros(len(order), dtype=torch.bool)
    for i in range(len(order)):
        if not lost[i]:
            keep.append(i)
            lost |= o[i]
            if len(keep) == most:
                break
    return order[keep]


# ---- training


class Data:
    def __init__(self, world):
        self.images, self.boxes, self.labels = [], [], []
        scale = 192 / 240
        for i, line in enumerate(open(os.path.join(world, "scenes.jsonl"))):
            objects = json.loads(line)["objects"]
            self.boxes.append(torch.tensor([o["box"] for o in objects]) * scale)
            self.labels.append(torch.tensor([[1 + SHAPES.index(o["shape"]), COLORS.index(o["color"]),
                                              PATTERNS.index(o["pattern"]), SIZES.index(o["size"])]
                                             for o in objects]))
            self.images.append(os.path.join(world, "images", "%06d.png" % i))
        self.pixels = None

    def load(self, path):
        """All pictures, resized, kept in a file for the next time."""
        if not os.path.exists(path):
            out = np.lib.format.open_memmap(path + ".tmp.npy", "w+", np.uint8,
                                            (len(self.images), 3, 192, 256))
            for i, name in enumerate(self.images):
                x = torch.from_numpy(np.array(Image.open(name).convert("RGB"))[:, :, ::-1].copy())
                x = x.permute(2, 0, 1)[None].float()
                x = F.interpolate(x, size=(192, 256), mode="bilinear", align_corners=False)
                out[i] = x[0].round().byte().numpy()
            out.flush()
            os.rename(path + ".tmp.npy", path)
        self.pixels = np.load(path, mmap_mode="r")

    def batch(self, indices, mirror):
        x = torch.from_numpy(np.stack([self.pixels[i] for i in indices])).float()
        boxes = [self.boxes[i] for i in indices]
        if mirror:
            x = x.flip(3)
            boxes = [torch.stack([255 - b[:, 2], b[:, 1], 255 - b[:, 0], b[:, 3]], 1) for b in boxes]
        return (x - MEAN) * INPUT_SCALE, boxes, [self.labels[i] for i in indices]


def rpn_loss(anchors, logits, deltas, boxes, rng):
    o = overlaps(anchors, boxes)
    best, which = o.max(1)
    positive = best >= 0.6
    positive[o.argmax(0)] = True
    which[o.argmax(0)] = torch.arange(len(boxes))
    good, bad = positive.nonzero().flatten(), ((best < 0.3) & ~positive).nonzero().flatten()
    good = good[torch.from_numpy(rng.permutation(len(good))[:48])]
    hard = bad[logits[bad].detach().topk(min(32, len(bad)))[1]]
    bad = torch.cat([hard, bad[torch.from_numpy(rng.integers(0, len(bad), 48))]])
    at = torch.cat([good, bad])
    want = torch.cat([torch.ones(len(good)), torch.zeros(len(bad))])
    cls = F.binary_cross_entropy_with_logits(logits[at], want)
    box = F.smooth_l1_loss(deltas[good], encode(boxes[which[good]], anchors[good]), beta=1 / 9)
    return cls + 3 * box


def sample_regions(d, anchors, logits, deltas, boxes, labels, rng):
    """Proposals and jittered truth with their labels: 0 is the background."""
    with torch.no_grad():
        top = logits.topk(60)[1]
        found = decode(deltas[top], anchors[top])
        size = (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2)
        noise = torch.from_numpy(rng.normal(0, 0.06, (3, len(boxes), 4))).float()
        jittered = (boxes + noise * size).view(-1, 4)
        all = torch.cat([found, boxes, jittered])
        best, which = overlaps(all, boxes).max(1)
        good, bad = (best >= 0.5).nonzero().flatten(), (best < 0.4).nonzero().flatten()
        good = good[torch.from_numpy(rng.permutation(len(good))[:24])]
        bad = bad[torch.from_numpy(rng.permutation(len(bad))[:12])]
        at = torch.cat([good, bad])
        want = labels[which[at]].clone()
        want[len(good):, 0] = 0
        return all[at], want, boxes[which[at]], len(good)


def region_loss(d, p, regions):
    fc6, fc7 = d.features(p, [r[0] for r in regions])
    want, target = torch.cat([r[1] for r in regions]), torch.cat([r[2] for r in regions])
    x = d.roi_heads["box"]["predictor"]
    loss = F.cross_entropy(x["cls_score"](fc7), want[:, 0])
    good = want[:, 0] > 0
    logits = d.attributes(fc6[good])
    c, q = len(COLORS), len(COLORS) + len(PATTERNS)
    loss = loss + 0.7 * (F.cross_entropy(logits[:, :c], want[good, 1]) +
                         F.cross_entropy(logits[:, c:q], want[good, 2]) +
                         F.cross_entropy(logits[:, q:], want[good, 3]))
    boxes = torch.cat([r[0] for r in regions])[good]
    delta = x["bbox_pred"](fc7[good]).view(len(boxes), -1, 4)[torch.arange(len(boxes)), want[good, 0]]
    return loss + F.smooth_l1_loss(delta, encode(target[good], boxes) * 10, beta=1.0) * 0.3


def recall(d, data, indices):
    d.eval()
    hit, all = 0, 0
    anchors = torch.cat(d.anchors)
    with torch.no_grad():
        for i in indices:
            x, boxes, _ = data.batch([i], False)
            _, logits, deltas = d(x)
            top = logits[0].topk(200)[1]
            found = decode(deltas[0, top], anchors[top])
            keep = suppress(found, logits[0, top], 0.7, 16)
            hit += (overlaps(boxes[0], found[keep]).max(1)[0] >= 0.5).sum().item()
            all += len(boxes[0])
    d.train()
    return hit / all


def write(d, data, out):
    """As the published file: frozen norms without epsilon, anchors as tensors, one dictionary."""
    state, model = d.state_dict(), {}
    with torch.no_grad():
        sample = [data.batch([i], False) for i in range(min(64, len(data.images)))]
        d.eval()
        fc6 = torch.cat([d.features(d(x)[0], b)[0] for x, b, _ in sample])
        d.train()
    scale = fc6[fc6 > 0].std().item()  # features near unit scale suit the language model
    for name, x in state.items():
        if name.startswith("attributes") or name.endswith("num_batches_tracked"):
            continue
        x = x.clone()
        if name.endswith("running_var"):
            x += 1e-5
        if name == "backbone.body.stem.conv1.weight":
            x *= INPUT_SCALE
        if ".fc6." in name:
            x /= scale
        if name.endswith("fc7.weight"):
            x *= scale
        model[name] = x
    for i in range(5):
        model["rpn.anchor_generator.cell_anchors.%d" % i] = d.cells(i)
    torch.save({"model": {"module." + k: v for k, v in model.items()}},
               os.path.join(out, "detector.pth"))
    with open(os.path.join(out, "detector.json"), "w") as f:
        json.dump(d.a, f, indent=1)
        f.write("\n")
    with open(os.path.join(out, "classes.txt"), "w") as f:
        f.write("".join(s + "\n" for s in SHAPES))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("world")
    p.add_argument("out")
    p.add_argument("--steps", type=int, default=6000)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--seed", type=int, default=1)
    o = p.parse_args()
    torch.set_num_threads(o.threads)
    torch.manual_seed(o.seed)
    rng = np.random.default_rng(o.seed)
    os.makedirs(o.out, exist_ok=True)
    data = Data(o.world)
    data.load(os.path.join(o.world, "pixels.npy"))
    d = Detector(ARCH)
    anchors = torch.cat(d.anchors)
    count = len(data.images)
    most = count - min(100, count // 4)  # the last ones are held out
    held = list(range(most, count))
    optimizer = torch.optim.AdamW(d.parameters(), 2e-3, weight_decay=1e-4)
    start = time.time()
    for step in range(1, o.steps + 1):
        share = step / o.steps
        rate = 2e-3 * min(1, step / 200) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * share)))
        for group in optimizer.param_groups:
            group["lr"] = rate
        if share > 0.75:  # the norms' statistics are frozen, as they will be used
            for m in d.modules():
                if isinstance(m, Frozen):
                    m.eval()
        at = rng.integers(0, most, 8)
        x, boxes, labels = data.batch(at, rng.random() < 0.5)
        maps, logits, deltas = d(x)
        loss = sum(rpn_loss(anchors, logits[i], deltas[i], boxes[i], rng) for i in range(8)) / 8
        regions = [sample_regions(d, anchors, logits[i], deltas[i], boxes[i], labels[i], rng)
                   for i in range(8)]
        loss = loss + region_loss(d, maps, regions)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(d.parameters(), 5)
        optimizer.step()
        if step % max(1, o.steps // 10) == 0:
            print("%4.1f minutes, step %d, loss %.3f, recall at 16 regions %.3f" %
                  ((time.time() - start) / 60, step, loss.item(), recall(d, data, held)), flush=True)
            if share > 0.75:
                for m in d.modules():
                    if isinstance(m, Frozen):
                        m.eval()
    print("recall at 16 regions %.4f" % recall(d, data, held))
    write(d, data, o.out)


if __name__ == "__main__":
    main()
