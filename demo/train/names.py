# SPDX-License-Identifier: MIT
"""The world's words, as answers have them, in the order of demo/world.h."""

SHAPES = ["ball", "cube", "cylinder", "cone", "star", "ring", "mug", "heart", "fish", "cat"]
COLORS = ["red", "orange", "yellow", "green", "blue", "purple", "white", "black"]
PATTERNS = ["plain", "striped", "dotted"]
SIZES = ["small", "large"]
