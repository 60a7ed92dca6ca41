# SPDX-License-Identifier: MIT
"""The 12-in-1 model (ViLBERT; Lu et al., CVPR 2020) in PyTorch, small. Names of parameters are those
of the published checkpoint."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F


class Norm(nn.LayerNorm):
    def __init__(self, n):
        super().__init__(n, eps=1e-12)


class Self(nn.Module):
    def __init__(self, n, heads):
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = nn.Linear(n, n), nn.Linear(n, n), nn.Linear(n, n)

    def forward(self, x, bias):
        return attend(self.query(x), self.key(x), self.value(x), bias, self.heads)


def attend(q, k, v, bias, heads):
    b, n, d = q.shape
    split = lambda x: x.view(b, x.shape[1], heads, d // heads).transpose(1, 2)
    if hasattr(F, "scaled_dot_product_attention"):  # PyTorch 2
        out = F.scaled_dot_product_attention(split(q), split(k), split(v), bias)
    else:
        scores = split(q) @ split(k).transpose(2, 3) / math.sqrt(d // heads)
        out = (scores + bias).softmax(3) @ split(v)
    return out.transpose(1, 2).reshape(b, n, d)


class Output(nn.Module):
    def __init__(self, n_in, n):
        super().__init__()
        self.dense, self.LayerNorm = nn.Linear(n_in, n), Norm(n)

    def forward(self, x, residual):
        return self.LayerNorm(self.dense(x) + residual)


class Dense(nn.Module):
    def __init__(self, n, m):
        super().__init__()
        self.dense = nn.Linear(n, m)


class Layer(nn.Module):
    def __init__(self, n, middle, heads):
        super().__init__()
        self.attention = nn.ModuleDict({"self": Self(n, heads), "output": Output(n, n)})
        self.intermediate, self.output = Dense(n, middle), Output(middle, n)

    def forward(self, x, bias):
        x = self.attention["output"](self.attention["self"](x, bias), x)
        return self.output(F.gelu(self.intermediate.dense(x)), x)


class BiAttention(nn.Module):
    def __init__(self, n, v, t, heads):
        super().__init__()
        self.heads = heads
        for name in ("query", "key", "value"):
            setattr(self, name + "1", nn.Linear(v, n))
            setattr(self, name + "2", nn.Linear(t, n))

    def forward(self, v, t, v_bias, t_bias, maps=None):
        """maps: a list that takes the attention of the text to the regions, (B, heads, T, R)."""
        if maps is None:
            text = attend(self.query2(t), self.key1(v), self.value1(v), v_bias, self.heads)
        else:
            text = self.attend_shown(self.query2(t), self.key1(v), self.value1(v), v_bias, maps)
        image = attend(self.query1(v), self.key2(t), self.value2(t), t_bias, self.heads)
        return image, text

    def attend_shown(self, q, k, v, bias, maps):
        b, n, d = q.shape
        split = lambda x: x.view(b, x.shape[1], self.heads, d // self.heads).transpose(1, 2)
        p = (split(q) @ split(k).transpose(2, 3) / math.sqrt(d // self.heads) + bias).softmax(3)
        maps.append(p)
        return (p @ split(v)).transpose(1, 2).reshape(b, n, d)


class BiOutput(nn.Module):
    def __init__(self, n, v, t):
        super().__init__()
        self.dense1, self.LayerNorm1, self.q_dense1 = nn.Linear(n, v), Norm(v), nn.Linear(n, v)
        self.dense2, self.LayerNorm2, self.q_dense2 = nn.Linear(n, t), Norm(t), nn.Linear(n, t)


class CoLayer(nn.Module):
    def __init__(self, c):
        super().__init__()
        n, v, t = c["bi_hidden_size"], c["v_hidden_size"], c["hidden_size"]
        self.biattention = BiAttention(n, v, t, c["bi_num_attention_heads"])
        self.biOutput = BiOutput(n, v, t)
        self.v_intermediate, self.v_output = Dense(v, c["v_intermediate_size"]), Output(c["v_intermediate_size"], v)
        self.t_intermediate, self.t_output = Dense(t, c["intermediate_size"]), Output(c["intermediate_size"], t)

    def forward(self, v, t, v_bias, t_bias, maps=None):
        image, text = self.biattention(v, t, v_bias, t_bias, maps)
        o = self.biOutput
        v = o.LayerNorm1(o.dense1(image) + v)
        t = o.LayerNorm2(o.dense2(text) + t)
        return self.v_output(F.gelu(self.v_intermediate.dense(v)), v), \
            self.t_output(F.gelu(self.t_intermediate.dense(t)), t)


class Embeddings(nn.Module):
    def __init__(self, c):
        super().__init__()
        n = c["hidden_size"]
        self.word_embeddings = nn.Embedding(c["vocab_size"], n)
        self.position_embeddings = nn.Embedding(c["max_position_embeddings"], n)
        self.token_type_embeddings = nn.Embedding(c["type_vocab_size"], n)
        self.LayerNorm = Norm(n)
        self.task_embeddings = nn.Embedding(20, n)

    def forward(self, ids, task):
        x = self.word_embeddings(ids) + self.position_embeddings.weight[:ids.shape[1]] + \
            self.token_type_embeddings.weight[0]
        task = self.task_embeddings(task)[:, None]
        return self.LayerNorm(torch.cat([x[:, :1], task, x[:, 1:]], 1))


class ImageEmbeddings(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.image_embeddings = nn.Linear(c["v_feature_size"], c["v_hidden_size"])
        self.image_location_embeddings = nn.Linear(5, c["v_hidden_size"])
        self.LayerNorm = Norm(c["v_hidden_size"])

    def forward(self, features, places):
        return self.LayerNorm(self.image_embeddings(features) + self.image_location_embeddings(places))


class Seen:
    """What a pass goes through: states after each layer, maps of the text's co-attention, when kept."""

    def __init__(self, keep=True):
        self.texts, self.images, self.maps = ([], [], []) if keep else (None, None, None)

    def text(self, t):
        if self.texts is not None:
            self.texts.append(t)
        return t

    def image(self, v):
        if self.images is not None:
            self.images.append(v)
        return v


class Encoder(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        self.layer = nn.ModuleList(Layer(c["hidden_size"], c["intermediate_size"], c["num_attention_heads"])
                                   for _ in range(c["num_hidden_layers"]))
        self.v_layer = nn.ModuleList(Layer(c["v_hidden_size"], c["v_intermediate_size"], c["v_num_attention_heads"])
                                     for _ in range(c["v_num_hidden_layers"]))
        self.c_layer = nn.ModuleList(CoLayer(c) for _ in c["v_biattention_id"])

    def forward(self, t, v, t_bias, v_bias, seen):
        i = j = 0
        for n, (v_end, t_end) in enumerate(zip(self.c["v_biattention_id"], self.c["t_biattention_id"])):
            for i in range(i, t_end):
                t = seen.text(self.layer[i](t, t_bias))
            for j in range(j, v_end):
                v = seen.image(self.v_layer[j](v, v_bias))
            i, j = t_end, v_end
            v, t = self.c_layer[n](v, t, v_bias, t_bias, seen.maps)
            seen.image(v), seen.text(t)
        for j in range(j, len(self.v_layer)):
            v = seen.image(self.v_layer[j](v, v_bias))
        for i in range(i, len(self.layer)):
            t = seen.text(self.layer[i](t, t_bias))
        return t, v


class Transform(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.dense, self.LayerNorm = nn.Linear(n, n), Norm(n)

    def forward(self, x):
        return self.LayerNorm(F.gelu(self.dense(x)))


class Words(nn.Module):
    def __init__(self, c, embedding):
        super().__init__()
        self.transform = Transform(c["hidden_size"])
        self.decoder = nn.Linear(c["hidden_size"], c["vocab_size"], bias=False)
        self.decoder.weight = embedding
        self.bias = nn.Parameter(torch.zeros(c["vocab_size"]))

    def forward(self, x):
        return self.decoder(self.transform(x)) + self.bias


class Regions(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.transform = Transform(c["v_hidden_size"])
        self.decoder = nn.Linear(c["v_hidden_size"], c["v_target_size"])

    def forward(self, x):
        return self.decoder(self.transform(x))


class Classifier(nn.Module):
    def __init__(self, n, middle, out):
        super().__init__()
        self.logit_fc = nn.Sequential(nn.Linear(n, middle), nn.GELU(), Norm(middle), nn.Linear(middle, out))

    def forward(self, x):
        return self.logit_fc(x)


class Model(nn.Module):
    def __init__(self, c, answers, answers_gqa):
        super().__init__()
        n, t, v = c["bi_hidden_size"], c["hidden_size"], c["v_hidden_size"]
        self.bert = nn.ModuleDict({"embeddings": Embeddings(c), "v_embeddings": ImageEmbeddings(c),
                                   "encoder": Encoder(c), "t_pooler": Dense(t, n), "v_pooler": Dense(v, n)})
        words = self.bert["embeddings"].word_embeddings.weight
        self.cls = nn.ModuleDict({"predictions": Words(c, words), "bi_seq_relationship": nn.Linear(n, 2),
                                  "imagePredictions": Regions(c)})
        self.vil_prediction = Classifier(n, 2 * n, answers)
        self.vil_prediction_gqa = Classifier(n, 2 * n, answers_gqa)
        self.vil_binary_prediction = Classifier(2 * n, 2 * n, 2)
        self.vil_logit, self.vil_tri_prediction = nn.Linear(n, 1), nn.Linear(n, 3)
        self.vision_logit, self.linguisic_logit = nn.Linear(v, 1), nn.Linear(t, 1)
        for m in self.modules():
            if isinstance(m, (nn.Linear, nn.Embedding)):
                nn.init.normal_(m.weight, std=c["initializer_range"])
            if isinstance(m, nn.Linear) and m.bias is not None:
                nn.init.zeros_(m.bias)
        with torch.no_grad():
            # Two vectors after a ReLU are multiplied: begun at 1, the product holds their sum.
            self.bert["t_pooler"].dense.bias.fill_(1)
            self.bert["v_pooler"].dense.bias.fill_(1)
            self.bert["v_embeddings"].image_location_embeddings.weight.mul_(5)

    def forward(self, ids, text_mask, task, features, places, image_mask, seen=None):
        """ids (B, T), masks of 0 and 1, features (B, R, F), places (B, R, 5): the pooled product, and
        both streams; the text stream has the task token as its second."""
        t = self.bert["embeddings"](ids, task)
        v = self.bert["v_embeddings"](features, places)
        mask = torch.cat([text_mask[:, :1], text_mask], 1)
        bias = lambda m: ((1 - m.float()) * -10000.0)[:, None, None, :]
        t, v = self.bert["encoder"](t, v, bias(mask), bias(image_mask), seen or Seen(False))
        pooled = F.relu(self.bert["t_pooler"].dense(t[:, 0])) * F.relu(self.bert["v_pooler"].dense(v[:, 0]))
        return pooled, t, v


def config(vocab, width, regions_feature, classes):
    return {"attention_probs_dropout_prob": 0.0, "hidden_act": "gelu", "hidden_dropout_prob": 0.0,
            "hidden_size": width, "initializer_range": 0.08, "intermediate_size": 2 * width,
            "max_position_embeddings": 64, "num_attention_heads": 4, "num_hidden_layers": 4,
            "type_vocab_size": 2, "vocab_size": vocab, "v_feature_size": regions_feature,
            "v_target_size": classes, "v_hidden_size": width, "v_num_hidden_layers": 3,
            "v_num_attention_heads": 4, "v_intermediate_size": 2 * width, "bi_hidden_size": width,
            "bi_num_attention_heads": 4, "v_attention_probs_dropout_prob": 0.0, "v_hidden_act": "gelu",
            "v_hidden_dropout_prob": 0.0, "v_initializer_range": 0.08, "v_biattention_id": [0, 1, 2],
            "t_biattention_id": [1, 2, 3], "pooling_method": "mul", "fusion_method": "mul",
            "task_specific_tokens": True}
