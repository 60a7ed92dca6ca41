#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The vocabulary of the demo: usage: vocab.py WORLD... >vocab.txt

Words of the texts (but not misspelt ones), and letters, digits and endings, so that every word can be spelt by pieces."""
import collections
import json
import re
import string
import sys


def main():
    counts = collections.Counter()
    for world in sys.argv[1:]:
        for line in open(world + "/data.jsonl"):
            d = json.loads(line)
            if "typo" in d.get("slices", []):
                continue
            for text in (d["text"], d.get("twin", "")):
                counts.update(re.findall(r"[a-z]+", text.lower()))
    letters, digits = string.ascii_lowercase, string.digits
    out = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + list("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
    out += list(digits) + list(letters) + ["##" + c for c in letters + digits]
    out += ["##s", "##es", "##ed", "##ing", "##er", "##est", "##ly", "##y"]
    words = ["start", "stop", "question", "answer"] + [w for w, n in sorted(counts.items()) if n >= 3]
    seen = set()
    for w in out + words:
        if w not in seen:
            seen.add(w)
            print(w)


if __name__ == "__main__":
    main()
