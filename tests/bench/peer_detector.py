#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The same detector in PyTorch, timed in turns with bench-detector.

usage: peer_detector.py BENCH_DETECTOR ARCH WEIGHTS IMAGE [TURNS]

WEIGHTS must be a file that torch.load reads. Needs torch and torchvision. The network runs from the
resized picture to the class scores; the selection is the reference's: one suppression per class.
Prints medians of PyTorch / vilscope (above 1: vilscope is faster) for 1 and 2 threads.
"""
import json
import statistics
import subprocess
import sys
import time

import torch
import torch.nn.functional as F
from torchvision.ops import nms, roi_align


class Detector:
    def __init__(self, arch, path):
        self.a = arch
        w = torch.load(path, map_location="cpu", weights_only=True)["model"]
        self.w = {k.removeprefix("module."): v for k, v in w.items()}

    def conv(self, name, x, stride=1, groups=1, bias=True):
        w = self.w[name + ".weight"]
        return F.conv2d(x, w, self.w[name + ".bias"] if bias else None, stride,
                        w.shape[-1] // 2, 1, groups)

    def norm(self, name, x):
        s = self.w[name + ".weight"] * self.w[name + ".running_var"].rsqrt()
        b = self.w[name + ".bias"] - self.w[name + ".running_mean"] * s
        return x * s.view(1, -1, 1, 1) + b.view(1, -1, 1, 1)

    def linear(self, name, x):
        return F.linear(x, self.w[name + ".weight"], self.w[name + ".bias"])

    def block(self, base, x, stride):
        y = self.norm(base + ".bn1", self.conv(base + ".conv1", x, bias=False)).relu()
        y = self.norm(base + ".bn2", self.conv(base + ".conv2", y, stride, self.a["groups"],
                                               bias=False)).relu()
        y = self.norm(base + ".bn3", self.conv(base + ".conv3", y, bias=False))
        if base + ".downsample.0.weight" in self.w:
            x = self.norm(base + ".downsample.1", self.conv(base + ".downsample.0", x, stride,
                                                            bias=False))
        return (x + y).relu()

    def pyramid(self, x):
        b = "backbone.body."
        x = self.norm(b + "stem.bn1", self.conv(b + "stem.conv1", x, 2, bias=False)).relu()
        x = F.max_pool2d(x, 3, 2, 1)
        c = []
        for s, n in enumerate(self.a["blocks"]):
            for i in range(n):
                x = self.block("%slayer%d.%d" % (b, s + 1, i), x, 2 if s and not i else 1)
            c.append(x)
        inner, p = None, [None] * 4
        for i in (3, 2, 1, 0):
            y = self.conv("backbone.fpn.fpn_inner%d" % (i + 1), c[i])
            inner = y if inner is None else y + F.interpolate(inner, scale_factor=2)
            p[i] = self.conv("backbone.fpn.fpn_layer%d" % (i + 1), inner)
        return p + [F.max_pool2d(p[3], 1, 2)]

    def propose(self, level, p, stride, size):
        a = self.a
        t = self.conv("rpn.head.conv", p).relu()
        logits = self.conv("rpn.head.cls_logits", t)[0].permute(1, 2, 0).reshape(-1)
        deltas = self.conv("rpn.head.bbox_pred", t)[0].permute(1, 2, 0).reshape(-1, 4)
        score, at = logits.sigmoid().topk(min(a["pre_nms_top_n"], logits.numel()))
        cells = self.w["rpn.anchor_generator.cell_anchors.%d" % level]
        h, w = p.shape[2:]
        y, x = torch.meshgrid(torch.arange(h) * stride, torch.arange(w) * stride, indexing="ij")
        shift = torch.stack([x, y, x, y], -1).view(-1, 1, 4)
        anchors = (shift + cells.view(1, -1, 4)).view(-1, 4)[at]
        d = deltas[at]
        side = anchors[:, 2:] - anchors[:, :2] + 1
        centre = d[:, :2] * side + anchors[:, :2] + side / 2
        half = d[:, 2:].clamp(max=4.135166556742356).exp() * side / 2
        box = torch.cat([centre - half, centre + half - 1], 1)
        box[:, 0::2].clamp_(0, size[1] - 1)
        box[:, 1::2].clamp_(0, size[0] - 1)
        keep = nms(box, score, a["rpn_nms_thresh"])[:a["post_nms_top_n"]]
        return box[keep], score[keep]

    def network(self, image):
        p = self.pyramid(image)
        found = [self.propose(i, p[i], self.a["anchor_strides"][i], image.shape[2:])
                 for i in range(5)]
        boxes, scores = torch.cat([f[0] for f in found]), torch.cat([f[1] for f in found])
        boxes = boxes[scores.topk(min(self.a["fpn_post_nms_top_n"], len(scores)))[1]]
        side = ((boxes[:, 2] - boxes[:, 0] + 1) * (boxes[:, 3] - boxes[:, 1] + 1)).sqrt()
        level = (4 + (side / 224 + 1e-6).log2()).floor().clamp(2, 5) - 2
        n = self.a["pooler_resolution"]
        pooled = torch.zeros(len(boxes), p[0].shape[1], n, n)
        for i in range(4):
            at = (level == i).nonzero().flatten()
            pooled[at] = roi_align(p[i], [boxes[at]], n, 0.25 / 2 ** i, 2)
        box = "roi_heads.box."
        fc6 = self.linear(box + "feature_extractor.fc6", pooled.flatten(1)).relu()
        fc7 = self.linear(box + "feature_extractor.fc7", fc6).relu()
        return boxes, fc6, self.linear(box + "predictor.cls_score", fc7).softmax(-1)

    def select(self, boxes, scores):
        best = torch.zeros(len(boxes))
        for c in range(1, scores.shape[1]):
            s = scores[:, c]
            keep = nms(boxes, s, self.a["class_nms_thresh"])
            best[keep] = torch.where(s[keep] > best[keep], s[keep], best[keep])
        return best.topk(min(self.a["num_features"], len(best)))[1]


def picture(arch, path):
    from PIL import Image
    import numpy
    im = Image.open(path).convert("RGB")
    scale = arch["min_side"] / min(im.size)
    if round(scale * max(im.size)) > arch["max_side"]:
        scale = arch["max_side"] / max(im.size)
    w, h = round(im.size[0] * scale), round(im.size[1] * scale)
    x = torch.from_numpy(numpy.array(im.resize((w, h), Image.BILINEAR)).astype("float32"))
    x = x[:, :, [2, 1, 0]] - torch.tensor([102.9801, 115.9465, 122.7717])
    to = arch["size_divisible"]
    out = torch.zeros(1, 3, -(-h // to) * to, -(-w // to) * to)
    out[0, :, :h, :w] = x.permute(2, 0, 1)
    return out


def main():
    bench, arch_path, weights, image = sys.argv[1:5]
    turns = int(sys.argv[5]) if len(sys.argv) > 5 else 3
    arch = json.load(open(arch_path))
    d = Detector(arch, weights)
    x = picture(arch, image)
    torch.set_grad_enabled(False)
    for threads in (1, 2):
        torch.set_num_threads(threads)
        net, sel = [], []
        for turn in range(turns):
            start = time.perf_counter()
            boxes, _, scores = d.network(x)
            network = 1000 * (time.perf_counter() - start)
            start = time.perf_counter()
            d.select(boxes, scores)
            selection = 1000 * (time.perf_counter() - start)
            a, b, mb = map(float, subprocess.check_output(
                [bench, arch_path, weights, image, str(threads), "1"]).split()[:3])
            net.append(network / a)
            sel.append(selection / b)
            print("  turn %d: network %.0f / %.0f ms, selection %.0f / %.0f ms, %.0f MB"
                  % (turn, network, a, selection, b, mb), flush=True)
        for name, v in (("network", net), ("selection", sel)):
            print("%d threads: %s: PyTorch / vilscope %.2f (%.2f to %.2f)"
                  % (threads, name, statistics.median(v), min(v), max(v)), flush=True)


if __name__ == "__main__":
    main()
