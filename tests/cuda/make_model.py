#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes a full-size model with random weights: what the timings need where none is at hand.

usage: make_model.py FOLDER     writes config.json, full.safetensors and detector.safetensors
       make_model.py FOLDER --no-detector
       make_model.py FOLDER --small     narrow and of few layers, without a detector: for tests

Needs nothing but Python. The numbers are pieces of one million normally distributed ones, from
another place of them in each tensor.
"""
import array
import json
import math
import os
import random
import struct
import sys

CONFIG = {
    "hidden_act": "gelu", "hidden_size": 768, "intermediate_size": 3072,
    "max_position_embeddings": 512, "num_attention_heads": 12, "num_hidden_layers": 12,
    "type_vocab_size": 2, "vocab_size": 30522, "v_feature_size": 2048, "v_target_size": 1601,
    "v_hidden_size": 1024, "v_num_hidden_layers": 6, "v_num_attention_heads": 8,
    "v_intermediate_size": 1024, "v_hidden_act": "gelu", "bi_hidden_size": 1024,
    "bi_num_attention_heads": 8, "bi_intermediate_size": 1024,
    "v_biattention_id": [0, 1, 2, 3, 4, 5], "t_biattention_id": [6, 7, 8, 9, 10, 11],
    "pooling_method": "mul", "task_specific_tokens": True,
}

SMALL = {
    "hidden_size": 24, "intermediate_size": 40, "max_position_embeddings": 64,
    "num_attention_heads": 2, "num_hidden_layers": 3, "vocab_size": 2600, "v_hidden_size": 16,
    "v_num_hidden_layers": 2, "v_num_attention_heads": 2, "v_intermediate_size": 16,
    "bi_hidden_size": 16, "bi_num_attention_heads": 2, "bi_intermediate_size": 16,
    "v_target_size": 37, "v_biattention_id": [0, 1], "t_biattention_id": [1, 2],
}


class Maker:
    MANY = 1 << 20

    def __init__(self, seed):
        r = random.Random(seed)
        self.base = array.array("f", (r.gauss(0, 1) for _ in range(self.MANY)))
        self.scaled = {}
        self.shapes, self.numbers, self.at = {}, {}, 0

    def tensor(self, name, *shape, scale=0.02):
        self.shapes[name], self.numbers[name] = shape, (scale, self.at)
        self.at = (self.at + 7919) % self.MANY

    def exactly(self, name, numbers, *shape):
        self.shapes[name], self.numbers[name] = shape, (None, array.array("f", numbers))

    def pieces(self, name):
        scale, at = self.numbers[name]
        n = math.prod(self.shapes[name])
        if scale is None:
            yield at
            return
        if scale not in self.scaled:
            self.scaled[scale] = array.array("f", (scale * x for x in self.base))
        numbers = memoryview(self.scaled[scale])
        while n > 0:
            piece = numbers[at:at + n]
            yield piece
            n -= len(piece)
            at = 0

    def write(self, path):
        """As safetensors."""
        head, end = {}, 0
        for name, shape in self.shapes.items():
            size = 4 * math.prod(shape)
            head[name] = {"dtype": "F32", "shape": shape, "data_offsets": [end, end + size]}
            end += size
        text = json.dumps(head).encode()
        text += b" " * (-len(text) % 8)
        with open(path, "wb") as f:
            f.write(struct.pack("<Q", len(text)) + text)
            for name in self.shapes:
                for piece in self.pieces(name):
                    f.write(piece)

    def linear(self, name, n, k):
        self.tensor(name + ".weight", n, k)
        self.tensor(name + ".bias", n)

    def norm(self, name, n):
        self.exactly(name + ".weight", [1] * n, n)
        self.tensor(name + ".bias", n)

    def transform(self, name, n):
        self.linear(name + ".dense", n, n)
        self.norm(name + ".LayerNorm", n)

    def classifier(self, name, labels, n):
        self.linear(name + ".logit_fc.0", 2 * n, n)
        self.norm(name + ".logit_fc.2", 2 * n)
        self.linear(name + ".logit_fc.3", labels, 2 * n)

    def layer(self, base, hidden, inner):
        for n in ("query", "key", "value"):
            self.linear(base + ".attention.self." + n, hidden, hidden)
        self.linear(base + ".attention.output.dense", hidden, hidden)
        self.norm(base + ".attention.output.LayerNorm", hidden)
        self.linear(base + ".intermediate.dense", inner, hidden)
        self.linear(base + ".output.dense", hidden, inner)
        self.norm(base + ".output.LayerNorm", hidden)


def vilbert(c):
    m = Maker(1)
    t, v, b = c["hidden_size"], c["v_hidden_size"], c["bi_hidden_size"]
    e = "bert.embeddings."
    for name, rows in (("word", c["vocab_size"]), ("position", c["max_position_embeddings"]),
                       ("token_type", c["type_vocab_size"]), ("task", 20)):
        m.tensor("%s%s_embeddings.weight" % (e, name), rows, t)
    m.norm(e + "LayerNorm", t)
    m.linear("bert.v_embeddings.image_embeddings", v, c["v_feature_size"])
    m.linear("bert.v_embeddings.image_location_embeddings", v, 5)
    m.norm("bert.v_embeddings.LayerNorm", v)
    for i in range(c["num_hidden_layers"]):
        m.layer("bert.encoder.layer.%d" % i, t, c["intermediate_size"])
    for i in range(c["v_num_hidden_layers"]):
        m.layer("bert.encoder.v_layer.%d" % i, v, c["v_intermediate_size"])
    for i in range(len(c["v_biattention_id"])):
        base = "bert.encoder.c_layer.%d." % i
        for s, (hidden, inner, one) in enumerate(((v, c["v_intermediate_size"], "v"),
                                                  (t, c["intermediate_size"], "t")), 1):
            for n in ("query", "key", "value"):
                m.linear("%sbiattention.%s%d" % (base, n, s), b, hidden)
            m.linear("%sbiOutput.dense%d" % (base, s), hidden, b)
            m.norm("%sbiOutput.LayerNorm%d" % (base, s), hidden)
            m.linear("%s%s_intermediate.dense" % (base, one), inner, hidden)
            m.linear("%s%s_output.dense" % (base, one), hidden, inner)
            m.norm("%s%s_output.LayerNorm" % (base, one), hidden)
    m.linear("bert.t_pooler.dense", b, t)
    m.linear("bert.v_pooler.dense", b, v)
    m.classifier("vil_prediction", 3129, b)
    heads(m, c)
    return m


def heads(m, c):
    """Those beside the VQA head."""
    t, v, b = c["hidden_size"], c["v_hidden_size"], c["bi_hidden_size"]
    m.classifier("vil_prediction_gqa", 1533, b)
    m.classifier("vil_binary_prediction", 2, 2 * b)
    for name, labels, n in (("vil_logit", 1, b), ("vil_tri_prediction", 3, b),
                            ("linguisic_logit", 1, t), ("vision_logit", 1, v),
                            ("cls.bi_seq_relationship", 2, b),
                            ("cls.imagePredictions.decoder", c["v_target_size"], v)):
        m.linear(name, labels, n)
    m.transform("cls.predictions.transform", t)
    m.transform("cls.imagePredictions.transform", v)
    m.tensor("cls.predictions.bias", c["vocab_size"])


def convolution(m, name, cout, cin, kernel):
    m.tensor(name + ".weight", cout, cin, kernel, kernel, scale=(cin * kernel * kernel) ** -0.5)


def frozen_norm(m, name, n):
    m.norm(name, n)
    m.tensor(name + ".running_mean", n)
    m.exactly(name + ".running_var", [1] * n, n)


ANCHORS = ((-22, -10, 25, 13), (-14, -14, 17, 17), (-10, -22, 13, 25))


def detector():
    """ResNeXt-152 32x8d with a feature pyramid, as src/vision/layers.c names its tensors."""
    m = Maker(2)
    body, cin = "backbone.body.", 64
    convolution(m, body + "stem.conv1", 64, 3, 7)
    frozen_norm(m, body + "stem.bn1", 64)
    for s, blocks in enumerate((3, 8, 36, 3)):
        mid = cout = 256 << s
        for i in range(blocks):
            base = "%slayer%d.%d." % (body, s + 1, i)
            for number, (o, c, k) in enumerate(((mid, cin, 1), (mid, mid // 32, 3),
                                                (cout, mid, 1)), 1):
                convolution(m, "%sconv%d" % (base, number), o, c, k)
                frozen_norm(m, "%sbn%d" % (base, number), o)
            if cin != cout:
                convolution(m, base + "downsample.0", cout, cin, 1)
                frozen_norm(m, base + "downsample.1", cout)
            cin = cout
        convolution(m, "backbone.fpn.fpn_inner%d" % (s + 1), 512, cout, 1)
        m.tensor("backbone.fpn.fpn_inner%d.bias" % (s + 1), 512)
        convolution(m, "backbone.fpn.fpn_layer%d" % (s + 1), 512, 512, 3)
        m.tensor("backbone.fpn.fpn_layer%d.bias" % (s + 1), 512)
    for name, n, k in (("conv", 512, 3), ("cls_logits", 3, 1), ("bbox_pred", 12, 1)):
        convolution(m, "rpn.head." + name, n, 512, k)
        m.tensor("rpn.head.%s.bias" % name, n)
    for i in range(5):
        m.exactly("rpn.anchor_generator.cell_anchors.%d" % i,
                  [x * 2 ** i for row in ANCHORS for x in row], len(ANCHORS), 4)
    box = "roi_heads.box."
    m.linear(box + "feature_extractor.fc6", 2048, 512 * 49)
    m.linear(box + "feature_extractor.fc7", 2048, 2048)
    m.linear(box + "predictor.cls_score", 1601, 2048)
    return m


def main():
    folder = sys.argv[1]
    small = "--small" in sys.argv
    config = {**CONFIG, **SMALL} if small else CONFIG
    with open(os.path.join(folder, "config.json"), "w") as f:
        json.dump(config, f, indent=1)
    vilbert(config).write(os.path.join(folder, "full.safetensors"))
    if "--no-detector" not in sys.argv and not small:
        detector().write(os.path.join(folder, "detector.safetensors"))


if __name__ == "__main__":
    main()
