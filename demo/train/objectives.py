# SPDX-License-Identifier: MIT
"""What the language model is trained for: the tasks' answers, hidden words and regions, words that attend to
what they name, states that stay apart.

Each objective takes a batch of one task and returns its loss; those of tasks also how many are right.
"""
import numpy as np
import torch
import torch.nn.functional as F

import vilbert
from data import LABELS, TASKS

# Words without which a text means the same. Part of the batches has other, made-up words for them.
FILLERS = """a an the please hello hey hi so now i you we me us it thanks here wonder want would like need know do
    could say see give report guess let find out help explain show look point take for well ok and sorry good
    morning my question quick""".split()
VARIED = 0.35  # of the batches
VARIED_SECOND = 0.7  # of those of the second part
ACCOMPANIED = 0.6    # of the texts of a varied batch in the second part
CUED = 0.3           # of the spans of such words before and after a text
# Words that say nothing of a picture. In the second part of the training they stand where no data have them (without
# thanks: "many thanks" is for those who test).
COMPANY = """able about agree answer ask asking be believe by call can cannot case check choose clear clearly consider
    correct curious day decide determine even evening everything exactly excuse explain fact focus for from friend good
    got happen have he i if in indeed interested is just kind know like likes lot make may me mean might my need now
    of ok okay on please precisely question quick really report same say says see seem sees simply so soft sort sure
    surely take talking tell that then there think this to today together told try turn very want wants way
    we well what when which will with wonder would you your""".split()
# Words that ask for a number or compare where they are meant, and say nothing in "many thanks": the model without the
# second part answered 72 % of the questions that end so, and ask for no number, with one.
CUES = "many more number numbers one ones".split()
# The heads that are taught to attend to what words name: co-attention layer, head. The others are free.
TAUGHT = ((1, 0), (2, 0))
COSINE = 0.5   # mean cosine of a layer's states above which it costs
HIDDEN = 0.15  # share of words and of objects that are hidden
ALIKE = 4      # a batch is this part of a draw that is sorted by length
KEPT = 0.2     # share of the words in any batch that are to be told from their last states


class Batch:
    """Rows for the model: texts (B, T) with bits of the objects that words name, images by their numbers."""

    def __init__(self, task, ids, marks, images):
        self.task, self.ids, self.marks, self.images = task, ids, marks, images


class Trainer:
    def __init__(self, model, images, items, vocab, seed, weights):
        self.model, self.images, self.items, self.weights = model, images, items, weights
        for group in items.values():
            group["lengths"] = (group["ids"] > 0).sum(1)
            group["shares"] = np.cumsum(group["weights"], dtype=np.float64)
        self.rng = np.random.default_rng(seed)
        self.starts = [i for i, w in enumerate(vocab) if len(w) == 1 and w.isalpha()]
        self.pieces = [i for i, w in enumerate(vocab) if len(w) == 3 and w.startswith("##")]
        self.mask = vocab.index("[MASK]")
        self.positions = model.bert["embeddings"].position_embeddings.num_embeddings
        self.fillers = np.array([w in FILLERS for w in vocab])
        self.regress = torch.nn.Linear(images["features"].shape[2], images["features"].shape[2])
        self.company = [i for i, w in enumerate(vocab) if w in COMPANY + FILLERS and w != "thanks"]
        self.cues = [i for i, w in enumerate(vocab) if w in CUES]
        self.second = False  # the second part of the training: more wordings than the data have
        self.varied = False  # this batch has words that the data do not have
        self.late = False    # the last part of the run: losses as the scores are read
        self.parts = {}      # the last losses, to be shown

    # ---- texts

    def word(self):
        """A word that no vocabulary has, as its pieces."""
        n = 1 + min(self.rng.geometric(0.25), 8)
        return [self.starts[self.rng.integers(len(self.starts))]] + \
            [self.pieces[i] for i in self.rng.integers(len(self.pieces), size=n)]

    def vary(self, ids, marks):
        """Some fillers left out or replaced by made-up words, and a few of those between the others:
        wordings that training does not have are learnt to be read."""
        left = min(self.rng.integers(1, 4), (self.positions - len(ids)) // 10)
        dice = self.rng.random(len(ids))
        out, named = [ids[0]], [0]
        for x, mark, p in zip(ids[1:-1], marks[1:-1], dice):
            filler = self.fillers[x]
            if left > 0 and p < (0.3 if filler else 0.06):
                word = self.word()
                out, named, left = out + word, named + [0] * len(word), left - 1
            if not (filler and p < 0.45):
                out.append(x)
                named.append(mark)
        return out + [ids[-1]], named + [0]

    def span(self, n, cued):
        """n known words that say nothing, one of them perhaps a cue."""
        out = [self.company[i] for i in self.rng.integers(len(self.company), size=n)]
        if cued and self.rng.random() < CUED:
            out[self.rng.integers(n)] = self.cues[self.rng.integers(len(self.cues))]
        return out

    def accompany(self, ids, marks):
        """Words that say nothing, before and after the others and a few between them."""
        room, rng = self.positions - 2 - len(ids), self.rng
        out, named, last = [ids[0]], [0], len(ids) - 2
        for k, (x, mark) in enumerate(zip(ids[1:], marks[1:])):
            most, p = (6, 0.5) if k == 0 else (4, 0.35) if k == last else (2, 0.04)
            if room > 0 and rng.random() < p:
                n = min(room, rng.integers(1, most + 1))
                out, named, room = out + self.span(n, most > 2), named + [0] * n, room - n
            out.append(x)
            named.append(mark)
        return out, named

    def texts(self, ids, marks):
        """(N, L) arrays filled up with zeros to lists, varied or not."""
        rows = [(i[:n].tolist(), m[:n].tolist()) for i, m, n in zip(ids, marks, (ids > 0).sum(1))]
        if self.varied and self.second:
            rows = [self.accompany(*r) if self.rng.random() < ACCOMPANIED else r for r in rows]
        return [self.vary(*r) for r in rows] if self.varied else rows

    def pick(self, task, n):
        """n items of about one length, so that little is filled up; those with more weight more often."""
        group = self.items[task]
        at = np.searchsorted(group["shares"], self.rng.random(ALIKE * n) * group["shares"][-1])
        at = at[np.argsort(group["lengths"][at], kind="stable")]
        at = at[n * self.rng.integers(ALIKE):][:n]
        return {name: x[at] for name, x in group.items()}

    # ---- the model

    def run(self, batch, features=None, extra=None):
        """pooled, t, v, seen; features (B, R, F) in place of the images' own; extra: features, places and mask
        of more rows."""
        n, most = len(batch.ids), max(map(len, batch.ids))
        ids, mask = np.zeros((n, most), np.int64), np.zeros((n, most), np.float32)
        for i, x in enumerate(batch.ids):
            ids[i, :len(x)], mask[i, :len(x)] = x, 1
        rows = [self.images[k][batch.images] for k in ("features", "places", "mask")]
        rows[0] = rows[0] if features is None else features
        if extra is not None:
            rows = [np.concatenate([a, b], 1) for a, b in zip(rows, extra)]
        seen = vilbert.Seen()
        task = torch.full((n,), TASKS[batch.task])
        out = self.model(torch.from_numpy(ids), torch.from_numpy(mask), task,
                         *[torch.from_numpy(np.ascontiguousarray(x)) for x in rows], seen)
        batch.mask, batch.table = mask, ids
        return (*out, seen)

    # ---- objectives beside the tasks

    def alignment(self, batch, seen):
        """Words that name objects attend to their regions, in the heads that are taught it."""
        n, most = batch.table.shape
        marks = np.zeros((n, most), np.uint8)
        for i, m in enumerate(batch.marks):
            marks[i, :len(m)] = m
        b, j = marks.nonzero()
        if len(b) == 0:
            return torch.zeros(())
        bits = (marks[b, j][:, None] >> np.arange(7)) & 1
        good = (self.images["overlaps"][batch.images[b]] >= 0.5) & (bits[:, :, None] > 0)
        want = torch.from_numpy(good.any(1).astype(np.float32))
        row, column, regions = torch.from_numpy(b), torch.from_numpy(j + 1), want.shape[1]  # after the task token
        loss = 0
        for layer, head in TAUGHT:
            p = seen.maps[layer][row, head, column, :regions]
            loss = loss - ((p * want).sum(1) + 1e-4).log()[want.any(1)].mean()
        return loss / len(TAUGHT)

    def apart(self, batch, seen):
        """What mean cosines of states above COSINE cost, over all layers of both streams."""
        texts = torch.from_numpy(np.concatenate([batch.mask[:, :1], batch.mask], 1))
        loss = torch.zeros(())
        for x, mask in [(x, texts) for x in seen.texts] + [(x, torch.ones(x.shape[:2])) for x in seen.images]:
            with torch.no_grad():  # nearly always below: nothing to go back through
                above = cosine(x, mask) > COSINE
            if above:
                loss = loss + (cosine(x, mask) - COSINE).square()
        return loss

    def kept(self, batch, t):
        """Words are told from their last states."""
        at = (self.rng.random(batch.table.shape) < KEPT) & (batch.table > 0)
        i, j = at.nonzero()
        if len(i) == 0:
            return torch.zeros(())
        x = self.model.cls["predictions"](t[torch.from_numpy(i), torch.from_numpy(j + 1)])
        return F.cross_entropy(x, torch.from_numpy(batch.table[i, j]))

    def beside(self, batch, t, seen):
        """The sum of these, for any batch."""
        w, parts = self.weights, {}
        if w["align"] and batch.marks is not None:
            parts["align"] = self.alignment(batch, seen)
        if w["apart"]:
            parts["apart"] = self.apart(batch, seen)
        if w["kept"]:
            parts["kept"] = self.kept(batch, t)
        self.parts.update({k: float(x.detach()) for k, x in parts.items()})
        return sum((w[k] * x for k, x in parts.items()), torch.zeros(()))

    def hidden(self, n):
        """Words and objects are hidden and told from the rest: words, classes as the detector sees them
        (their distribution), features."""
        task = ("coco", "flickr30k", "refcoco", "refcocog", "snli-ve", "coco")[self.rng.integers(6)]
        items = self.pick(task, n)
        ids, marks = items["ids"].astype(np.int64), items["marks"]
        image = items["images"][np.arange(n), np.maximum(items["answers"], 0)] \
            if task in ("coco", "flickr30k") else items["images"][:, 0]
        inner = (ids > 0) & (np.roll(ids, -1, 1) > 0)
        inner[:, 0] = False
        hide = (self.rng.random(ids.shape) < HIDDEN) & inner
        batch = Batch(task, [x[:k] for x, k in zip(np.where(hide, self.mask, ids), (ids > 0).sum(1))], None, image)
        objects = (self.rng.random((n, 7)) < HIDDEN)[:, :, None]
        gone = ((self.images["overlaps"][image] > 0.4) & objects).any(1)
        features = np.where(gone[:, :, None], 0, self.images["features"][image])
        _, t, v, seen = self.run(batch, features)
        loss = self.weights["apart"] * self.apart(batch, seen)
        i, j = hide.nonzero()
        if len(i):
            x = self.model.cls["predictions"](t[torch.from_numpy(i), torch.from_numpy(j + 1)])
            y = torch.from_numpy(ids[i, j])
            loss = loss + self.weights["words"] * F.cross_entropy(x, y)
            self.parts["words"] = float((x.detach().argmax(1) == y).float().mean())
        i, j = gone.nonzero()
        if len(i):
            states = v[torch.from_numpy(i), torch.from_numpy(j)]
            want = torch.from_numpy(self.images["classes"][image[i], j])
            x = self.model.cls["imagePredictions"](states).log_softmax(1)
            far = F.mse_loss(self.regress(states), torch.from_numpy(self.images["features"][image[i], j]))
            loss = loss + self.weights["regions"] * (F.kl_div(x, want, reduction="batchmean") + 0.5 * far)
            self.parts["regions"] = float((x.detach().argmax(1) == want.argmax(1)).float().mean())
        return loss

    # ---- tasks

    def grounding(self, v, items, image):
        """The loss of pointing at the target of each item that has one, and how many are right."""
        at = np.nonzero(items["targets"] >= 0)[0]
        o = self.images["overlaps"][image[at], items["targets"][at]]
        at, o = at[o.max(1) >= 0.5], o[o.max(1) >= 0.5]
        if len(at) == 0:
            return v.sum() * 0, 0
        y = torch.from_numpy(np.where(o >= 0.5, o, 0).astype(np.float32))
        x = self.model.vision_logit(v).squeeze(2)[torch.from_numpy(at), :y.shape[1]]
        right = (y.gather(1, x.argmax(1, keepdim=True)) > 0).float().mean().item()
        if self.late:
            return F.binary_cross_entropy_with_logits(x, (y > 0).float()) * 6, right
        return F.cross_entropy(x, y / y.sum(1, keepdim=True)), right

    def batch(self, task, items, image):
        pairs = self.texts(items["ids"], items["marks"])
        return Batch(task, [p[0] for p in pairs], [p[1] for p in pairs], image)

    def question(self, task, n):
        items = self.pick(task, n)
        batch = self.batch(task, items, items["images"][:, 0])
        pooled, t, v, seen = self.run(batch)
        head = self.model.vil_prediction_gqa if task == "gqa" else self.model.vil_prediction
        x, y = head(pooled), torch.from_numpy(items["answers"].astype(np.int64))
        loss = F.cross_entropy(x, y)
        if self.late:
            loss = 0.5 * loss + F.binary_cross_entropy_with_logits(x, F.one_hot(y, len(LABELS[task])).float()) * 8
        loss = loss + 0.5 * self.grounding(v, items, batch.images)[0] + self.beside(batch, t, seen)
        return loss, (x.argmax(1) == y).float().mean().item()

    def caption(self, task, n):
        """A caption's own image, three others, the image with the false twin, and with another caption."""
        items, other = self.pick(task, n // 6), self.pick(task, n // 6)
        k, own = len(items["ids"]), items["images"][np.arange(n // 6), items["answers"]]
        texts, none = self.texts(items["ids"], items["marks"]), np.zeros_like(items["twins"], np.uint8)
        twins = self.texts(items["twins"], none)
        strange = self.texts(other["ids"], none)
        ids, marks, images = [], [], []
        for i in range(k):
            rest = [x for x in items["images"][i] if x != own[i]]
            ids += [texts[i][0]] * 4 + [twins[i][0], strange[i][0]]
            marks += [texts[i][1]] + [[]] * 5
            images += [own[i]] + rest + [own[i], own[i]]
        batch = Batch(task, ids, marks, np.array(images))
        pooled, t, _, seen = self.run(batch)
        x = self.model.vil_logit(pooled).view(k, -1)
        loss = F.cross_entropy(x, torch.zeros(k, dtype=torch.long)) + self.beside(batch, t, seen)
        return loss, (x[:, :4].argmax(1) == 0).float().mean().item()

    def refer(self, task, n):
        items = self.pick(task, n)
        batch = self.batch(task, items, items["images"][:, 0])
        _, t, v, seen = self.run(batch)
        loss, right = self.grounding(v, items, batch.images)
        return loss + self.beside(batch, t, seen), right

    def point(self, task, n):
        """Candidates are rows after the regions, with the features of exactly their boxes."""
        items = self.pick(task, n)
        batch = self.batch(task, items, items["images"][:, 0])
        at, row = items["candidates"], batch.images[:, None]
        extra = (self.images["truth"][row, at], self.images["truth_places"][row, at],
                 (at >= 0).astype(np.float32))
        _, t, v, seen = self.run(batch, None, extra)
        first = self.images["features"].shape[1]
        x = self.model.vision_logit(v).squeeze(2)[:, first:] + torch.from_numpy(np.where(at >= 0, 0, -1e4)).float()
        y = torch.from_numpy(items["answers"].astype(np.int64))
        loss = F.cross_entropy(x, y) + 0.3 * self.grounding(v, items, batch.images)[0]
        return loss + self.beside(batch, t, seen), (x.argmax(1) == y).float().mean().item()

    def pair(self, task, n):
        items = self.pick(task, n // 2)
        texts = self.texts(np.repeat(items["ids"], 2, 0), np.repeat(items["marks"], 2, 0)) if not self.varied else \
            [x for x in self.texts(items["ids"], items["marks"]) for _ in (0, 1)]
        batch = Batch(task, [x[0] for x in texts], None, items["images"].reshape(-1))
        pooled, t, _, seen = self.run(batch)
        x = self.model.vil_binary_prediction(pooled.view(len(items["ids"]), -1))
        y = torch.from_numpy(items["answers"].astype(np.int64))
        return F.cross_entropy(x, y) + self.beside(batch, t, seen), (x.argmax(1) == y).float().mean().item()

    def verdict(self, task, n):
        items = self.pick(task, n)
        batch = self.batch(task, items, items["images"][:, 0])
        pooled, t, _, seen = self.run(batch)
        x, y = self.model.vil_tri_prediction(pooled), torch.from_numpy(items["answers"].astype(np.int64))
        return F.cross_entropy(x, y) + self.beside(batch, t, seen), (x.argmax(1) == y).float().mean().item()

    def step(self, task, n):
        self.varied = self.rng.random() < (VARIED_SECOND if self.second else VARIED)
        kind = {"coco": self.caption, "flickr30k": self.caption, "visual7w": self.point, "guesswhat": self.point,
                "nlvr2": self.pair, "snli-ve": self.verdict}
        if task.startswith("refcoco"):
            return self.refer(task, n)
        return kind.get(task, self.question)(task, n)


def cosine(x, mask):
    """The mean cosine between different states of a row, over rows; x (B, T, C), mask (B, T)."""
    x = F.normalize(x, dim=2) * mask[:, :, None]
    n = mask.sum(1)
    return ((x.sum(1).square().sum(1) - n) / (n * (n - 1)).clamp(min=1)).mean()
