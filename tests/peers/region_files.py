#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes region features as HDF5 and JSON in the layouts that are around: usage: region_files.py FOLDER

Needs h5py and PyTorch. tests/data/regions/*.h5, what is beside them, keyed.json and lines.jsonl.gz were made by it: in each, image 42
has the regions of tests/data/regions/mmf.npy, and another image others."""
import base64
import collections
import datetime
import gzip
import json
import os
import pathlib
import pickle
import sys

import h5py
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "../data/regions")
SIZES = [(50, 40), (96, 64)]  # of images 9 and 42


def images():
    """Features and boxes of image 9, then of image 42."""
    info = np.load(os.path.join(DATA, "mmf_info.npy"), allow_pickle=True).item()
    n = int(info["num_boxes"])
    features = np.load(os.path.join(DATA, "mmf.npy"))[:n].astype(np.float32)
    boxes = np.asarray(info["bbox"], np.float32)[:n]
    other = (boxes * 0.5).astype(np.float32)
    return [(features[::-1] * 2, other), (features, boxes)], info


def shares(boxes, size):
    """The six numbers of a box as shares of the image: corners, width, height."""
    s = boxes.astype(np.float64) / np.tile(size, 2)
    return np.concatenate([s, s[:, 2:] - s[:, :2]], 1).astype(np.float32)


def table(path, both):
    """tools/detection_features_converter.py of bottom-up-attention-vqa, with its pickle of rows."""
    with h5py.File(path, "w") as f:
        f["image_features"] = np.stack([x for x, _ in both])
        f["image_bb"] = np.stack([b for _, b in both])
        f["spatial_features"] = np.stack([shares(b, s) for (_, b), s in zip(both, SIZES)])
    with open(os.path.splitext(path)[0] + "_imgid2idx.pkl", "wb") as f:
        pickle.dump({9: 0, 42: 1}, f, 2)


def flat(path, both):
    """The adaptive one, compressed; names as text of any length, sizes beside them."""
    with h5py.File(path, "w") as f:
        f.create_dataset("image_features", data=np.concatenate([x for x, _ in both]), compression="gzip")
        f["image_bb"] = np.concatenate([b for _, b in both])
        n = len(both[0][0])
        f["pos_boxes"] = np.array([[0, n], [n, 2 * n]], np.int32)
        f["image_ids"] = np.array(["9", "42"], dtype=object)
        f["image_w"], f["image_h"] = [s[0] for s in SIZES], [s[1] for s in SIZES]


def groups(path, both, info):
    """A group for each image, sizes as attributes, big-endian numbers."""
    with h5py.File(path, "w") as f:
        for name, (x, b), size in zip(("9", "42"), both, SIZES):
            g = f.create_group(name)
            g["features"], g["boxes"] = x.astype(">f4"), b.astype(">f8")
            g["objects_id"] = np.asarray(info["objects"])[:len(x)]
            g["cls_prob"] = np.asarray(info["cls_prob"], np.float32)[:len(x)]
            g.attrs["image_w"], g.attrs["image_h"] = size


def gqa(path, both):
    """A part of GQA's, filled up with rows that do not count, and the JSON that goes with all parts."""
    fill = lambda x: np.pad(x, ((0, 2), (0, 0)))
    with h5py.File(path, "w") as f:
        f["features"] = np.stack([fill(x) for x, _ in both])
        f["bboxes"] = np.stack([fill(b) for _, b in both])
    entry = lambda i, file: {"width": SIZES[i][0], "height": SIZES[i][1], "objectsNum": len(both[i][0]),
                             "idx": i, "file": file}
    with open(os.path.join(os.path.dirname(path), "gqa_objects_info.json"), "w") as f:
        json.dump({"n1": entry(0, 0), "9": entry(0, 3), "42": entry(1, 3)}, f)


def one(path, both):
    """One image, which is called as its file is."""
    with h5py.File(path, "w") as f:
        f["features"], f["boxes"] = both[1]
        f["image_width"], f["image_height"] = SIZES[1]


def hollow(folder):
    """Tables in which nothing was written: of no image, and of more than memory has room for."""
    for name, n in (("no_images.h5", 0), ("too_many_images.h5", 2**31 - 2)):
        with h5py.File(os.path.join(folder, name), "w") as f:
            for array, columns in (("features", 2), ("boxes", 4)):
                f.create_dataset(array, shape=(n, 1, columns), maxshape=(None, 1, columns), chunks=(1024, 1, columns),
                                 dtype="<f4")


def absent(folder, both):
    """Arrays whose numbers are not there: in another file, or of the first rows alone."""
    x, b = both[1]
    for name in ("virtual.h5", "unwritten.h5"):
        with h5py.File(os.path.join(folder, name), "w") as f:
            f["boxes"], f["image_width"], f["image_height"] = b, SIZES[1][0], SIZES[1][1]
            if name == "virtual.h5":
                layout = h5py.VirtualLayout(x.shape, "f4")
                layout[:] = h5py.VirtualSource("42.h5", "features", x.shape)
                f.create_virtual_dataset("features", layout)
            else:
                f.create_dataset("features", shape=x.shape, dtype="f4", chunks=(1, x.shape[1]))[:2] = x[:2]


def base64_value(path, both):
    """A value of an LMDB of the reference's older reader, and of VOLTA: base64 where arrays are."""
    x, b = both[1]
    with open(path, "wb") as f:
        pickle.dump({"image_id": "42", "image_w": SIZES[1][0], "image_h": SIZES[1][1], "num_boxes": len(x),
                     "boxes": base64.b64encode(b.tobytes()), "features": base64.b64encode(x.tobytes())}, f, 4)


def strange(path, both, info):
    """A dictionary with values that nobody needs: a path, a date, a type; big-endian numbers in a batch of one."""
    x, b = both[1]
    np.save(path, {"features": x[None].astype(">f4"), "boxes": b[None].astype(">f8"), "image_w": np.asarray(96, ">i4"),
                   "image_h": 64, "objects_id": info["objects"][None].astype(">i8"),
                   "objects_conf": np.full((1, len(x)), 0.5, ">f4"), "path": pathlib.PurePosixPath("a/42.jpg"), "seen": datetime.date(2019, 7, 1),
                   "counts": collections.defaultdict(int, dog=2), "phase": 1j, "names": np.array(["dog", "cat"])})


def old_torch(path, both):
    """PyTorch's format before 1.6, in pickles of protocol 1."""
    import torch
    x, b = both[1]
    torch.save({"features": torch.from_numpy(x), "bbox": torch.from_numpy(b), "image_w": 96, "image_h": 64}, path,
               pickle_protocol=1, _use_new_zipfile_serialization=False)


def in_json(folder, both, info):
    """An object of images with lists; a line an image with base64, compressed."""
    with open(os.path.join(folder, "keyed.json"), "w") as f:
        json.dump({name: {"features": x.tolist(), "bbox": b.tolist(), "image_w": size[0], "image_h": size[1],
                          "objects": [int(o) for o in info["objects"]], "scores": [0.5] * len(x)}
                   for name, (x, b), size in zip(("9", "42"), both, SIZES)}, f)
    text = lambda x: base64.b64encode(np.ascontiguousarray(x, "<f4").tobytes()).decode()
    with gzip.GzipFile(os.path.join(folder, "lines.jsonl.gz"), "w", mtime=0) as f:
        for name, (x, b), size in zip((9, 42), both, SIZES):
            line = {"image_id": name, "image_w": size[0], "image_h": size[1], "num_boxes": len(x),
                    "boxes": text(b), "features": text(x)}
            f.write((json.dumps(line) + "\n").encode())


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    both, info = images()
    table(os.path.join(folder, "val36.h5"), both)
    flat(os.path.join(folder, "adaptive.h5"), both)
    groups(os.path.join(folder, "groups.h5"), both, info)
    gqa(os.path.join(folder, "gqa_objects_3.h5"), both)
    in_json(folder, both, info)
    one(os.path.join(folder, "42.h5"), both)
    hollow(folder)
    absent(folder, both)
    base64_value(os.path.join(folder, "base64.pkl"), both)
    strange(os.path.join(folder, "strange.npy"), both, info)
    old_torch(os.path.join(folder, "protocol_1.pt"), both)


if __name__ == "__main__":
    main()
