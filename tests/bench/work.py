# SPDX-License-Identifier: MIT
"""The least that a pass of the model has to do: multiply-adds, and weights that are read.

What is left out counts as left out: the last layer of each stream is computed for the row that the
answer is read from, the others give it keys and values. So a floor that is made of these numbers is
below every way to compute the answer that this project knows.
"""


class Work:
    def __init__(self, config):
        self.c = config
        self.t, self.v = config["hidden_size"], config["v_hidden_size"]
        self.b = config["bi_hidden_size"]
        self.t_inner, self.v_inner = config["intermediate_size"], config["v_intermediate_size"]
        self.t_layers, self.v_layers = config["num_hidden_layers"], config["v_num_hidden_layers"]
        self.bridges = list(zip(config["v_biattention_id"], config["t_biattention_id"]))

    def rows(self, tokens):
        """Tokens of a question as the model reads them."""
        return tokens + (1 if self.c.get("task_specific_tokens") else 0)

    @staticmethod
    def layer(rows, read, width, inner):
        """A layer whose output is read in so many rows."""
        return (2 * rows + 2 * read) * width * width + 2 * rows * read * width + \
            2 * read * width * inner

    def stream(self, rows, layers, last, width, inner):
        """So many layers; last: the very last of the stream is among them."""
        all = layers * self.layer(rows, rows, width, inner)
        if last and layers > 0:
            all += self.layer(rows, 1, width, inner) - self.layer(rows, rows, width, inner)
        return all

    def bridge(self, t, v):
        """A co-attention layer with so many tokens and regions."""
        return 3 * self.b * (t * self.t + v * self.v) + 4 * t * v * self.b + \
            self.b * (t * self.t + v * self.v) + 2 * t * self.t * self.t_inner + \
            2 * v * self.v * self.v_inner

    def before_text(self, t):
        """What hangs on the text alone."""
        first = self.bridges[0][1] if self.bridges else self.t_layers
        return self.stream(t, first, False, self.t, self.t_inner) + 3 * t * self.t * self.b

    def before_image(self, v):
        """What hangs on the image alone."""
        first = self.bridges[0][0] if self.bridges else self.v_layers
        return self.embedding(v) + self.stream(v, first, False, self.v, self.v_inner) + \
            3 * v * self.v * self.b

    def embedding(self, v):
        return v * (self.c["v_feature_size"] + 5) * self.v

    def answer(self, answers):
        """Poolers, and a head of two layers, where there are answers."""
        return (self.t + self.v) * self.b + (2 * self.b * self.b + 2 * self.b * answers
                                             if answers else 0)

    def sums(self, tokens, regions, answers):
        """Multiply-adds of one pair of a text and an image; answers of the head, 0: none."""
        t, v = self.rows(tokens), regions
        return self.embedding(v) + self.stream(t, self.t_layers, True, self.t, self.t_inner) + \
            self.stream(v, self.v_layers, True, self.v, self.v_inner) + \
            len(self.bridges) * self.bridge(t, v) + self.answer(answers)

    def weights(self, answers):
        """Numbers in the matrices that a pass reads."""
        return (self.c["v_feature_size"] + 5) * self.v + \
            self.t_layers * (4 * self.t ** 2 + 2 * self.t * self.t_inner) + \
            self.v_layers * (4 * self.v ** 2 + 2 * self.v * self.v_inner) + \
            len(self.bridges) * (4 * self.b * (self.t + self.v) + 2 * self.t * self.t_inner +
                                 2 * self.v * self.v_inner) + self.answer(answers)
