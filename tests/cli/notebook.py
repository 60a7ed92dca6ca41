# SPDX-License-Identifier: MIT
"""Run by notebook.sh, in the folder with the log and what the same queries printed."""
import json
import os
import sys

import numpy as np
import vilscope_log


def ok(good, what):
    print("ok" if good else "not:", what)


def raises(what, says, call):
    try:
        call()
    except vilscope_log.LogError as error:
        ok(says in str(error), f"{what}: {error}")
    else:
        ok(False, f"{what} is taken")


def close(a, b):
    return bool(np.allclose(np.asarray(a, float), np.asarray(b, float), rtol=1e-5, atol=1e-6))


with vilscope_log.open() as log:
    sessions, queries = log.sessions(), log.queries()
    ok(sessions.rows >= 4 and sessions["id"].dtype == np.int64, f"{sessions.rows} sessions")
    first = log.queries(task="gqa", text="COLOR")
    ok(first["text"][0] == "what color" and first["changes"][0] == "", "queries by task and text")
    ok(log.queries(task="refcoco").rows == 1 and log.queries(task="nlvr2").rows == 0, "by task")
    ok("mask token 3" in list(log.queries(task="gqa")["changes"]), "interventions")
    ok(log.queries(session=int(sessions["id"][1])).rows == 1, "by session")

    want = json.load(open("result.json"))
    one = log.query(first["id"][0])
    n = one["answers"].rows
    ok(n == 100 and one["answer_count"] > n, f"{n} answers of {one['answer_count']}")
    ok(list(one["answers"]["label"]) == [a["label"] for a in want["answers"][:n]], "their labels")
    ok(close(one["answers"]["softmax"], [a["softmax"] for a in want["answers"][:n]]), "their softmax")
    ok(list(one["tokens"]["piece"]) == [t["piece"] for t in want["tokens"]], "the tokens")
    ok(one["images"]["width"][0] == want["images"][0]["width"], "the image")
    ok(set(one["timings"]["stage"]) == {"tokenize", "regions", "forward", "reading", "total"}, "timings")
    want = json.load(open("boxes.json"))["boxes"]
    boxes = log.boxes(log.queries(task="refcoco")["id"][0])
    ok(list(boxes["region"]) == [b["region"] for b in want] and
       close(boxes["logit"], [b["logit"] for b in want]), f"{boxes.rows} boxes")

    maps = log.attention(first["id"][0])
    raw = open("maps.safetensors", "rb").read()
    size = int.from_bytes(raw[:8], "little")
    header, same = json.loads(raw[8:8 + size]), 0
    for name, map_ in maps.items():
        at = header[name]["data_offsets"]
        exact = np.frombuffer(raw[8 + size:][at[0]:at[1]], "<f4").reshape(header[name]["shape"])
        same += exact.shape == map_.shape and bool(np.allclose(exact, map_, atol=1e-3))
    ok(len(maps) > 0 and same == len(maps), f"{len(maps)} attention maps")
    ok(all(bool(np.allclose(m.astype(float).sum(-1), 1, atol=0.02)) for m in maps.values()), "whose rows sum to 1")
    ok(log.attention(2) == {}, "and none where none were kept")

    owed = log.attributions(log.queries(text="a shape")["id"][0])
    ok(len(owed) == 1 and owed[0]["method"] == "attribution-patching" and owed[0]["tested"] is None and
       owed[0]["of_tokens"].shape == (owed[0]["tokens"],) and np.isnan(owed[0]["of_tokens"][0]) and
       np.isfinite(owed[0]["of_regions"][0, 1:]).all() and np.isnan(owed[0]["of_regions"][0, 0]) and
       0 < np.isfinite(owed[0]["exact_of_regions"]).sum() <= 10, "what an answer owes to words and regions")
    ok(log.attributions(1) == [], "and none where nobody asked")

    ok(log.evaluations()["task"][0] == "gqa" and log.evaluations()["items"][0] == 1, "evaluations")
    rows = log.evaluation_rows(log.evaluations()["id"][0])
    ok(rows.rows == int(log.evaluations()["row_count"][0]), f"{rows.rows} rows of the evaluation")
    ok(set(log.checks()["checkpoint"]) == {"noise", "other.bin"}, "results of check sets")
    kinds = log.differences()
    parts = log.difference_parts(kinds["id"][0])
    ok(kinds["kind"][0] == "weights" and parts.rows > 3 and close(parts["value"], 0), "differences")
    ok(log.sql("SELECT NULL AS a, 1.5 AS b UNION ALL SELECT 2, 3")["a"].dtype == np.float64, "any SELECT")
    for call in (log.query, log.images, log.tokens, log.answers, log.boxes, log.attention, log.attributions):
        raises(f"{call.__name__} of a query that is none", "there is no query 999", lambda: call(999))
    raises("rows of an evaluation that is none", "there is no evaluation 999", lambda: log.evaluation_rows(999))
    raises("parts of a difference that is none", "there is no difference 999", lambda: log.difference_parts(999))
    ok(os.environ["VILSCOPE_LOG"] in repr(log), f"what it is: {log}")
    try:
        import pandas  # noqa: F401
        ok(list(queries.frame().columns) == list(queries), "pandas")
        ok("what color" in queries._repr_html_(), "a notebook shows the rows")
    except ImportError:
        ok(queries._repr_html_() is None, "without pandas a notebook shows what there is")
        try:
            queries.frame()
        except ImportError as error:
            ok("frame() needs pandas" in str(error), f"and frame says so: {error}")
    try:
        log.db.execute("DELETE FROM queries")
        ok(False, "the log can be written")
    except Exception as error:
        ok("readonly" in str(error), f"the log cannot be written: {error}")

logs = sys.argv[1]
for version in range(1, vilscope_log.SCHEMAS[1]):
    path = os.path.join(logs, f"version-{version}.db")
    if not os.path.exists(path):
        print(f"skip version {version}: no log of it in tests/data/logs")
        continue
    if version < vilscope_log.SCHEMAS[0]:
        raises(f"version {version}", "brings it up to date", lambda: vilscope_log.open(path))
        continue
    with vilscope_log.open(path) as log:
        rows = log.queries().rows
        ok(rows > 0 and log.query(log.queries()["id"][0])["text"], f"version {version}: {rows} queries")
        if version < 7:
            raises(f"rows of version {version}", "which keep no rows", lambda: log.evaluation_rows(1))
        else:
            ok(log.evaluation_rows(1).rows == log.evaluations()["row_count"][0],
               f"rows of version {version}: as many as there are")
open("text.db", "w").write("no database at all, but a text that is long enough to be one\n" * 20)
raises("a text", "cannot be read as a log", lambda: vilscope_log.open("text.db"))
raises("another database", "is not a log", lambda: vilscope_log.open("other.db") if not
       __import__("sqlite3").connect("other.db").execute("CREATE TABLE t(x)").connection.close() else None)
newer = __import__("sqlite3").connect("newer.db")
newer.executescript(f"PRAGMA application_id = {vilscope_log.APPLICATION}; PRAGMA user_version = 99")
newer.close()
raises("a newer log", "version 99, newer than", lambda: vilscope_log.open("newer.db"))
raises("a file that is not there", "no such file", lambda: vilscope_log.open("nothing?.db"))
raises("a folder", "is a folder of logs", lambda: vilscope_log.open("."))
