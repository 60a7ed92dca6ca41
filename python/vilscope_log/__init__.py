# SPDX-License-Identifier: MIT
"""Reads the log of vilscope (vilscope-sessions(5)) for notebooks: tables as numpy columns, attention
maps as arrays. Nothing is ever written.

    import vilscope_log
    log = vilscope_log.open()                      # the default log, or a path
    q = log.queries(task="vqa", text="dog")        # columns: q["text"], q["score"], ...
    q.frame()                                      # the same for pandas
    log.answers(q["id"][0])                        # ranked answers of one query
    maps = log.attention(q["id"][0])               # {name: array (images, heads, rows, columns)}
    log.attributions(q["id"][0])                   # what the answer owes to words and regions
"""
import hashlib
import json
import os
import sqlite3
import zlib

try:
    import numpy as np
except ImportError as error:  # what is missing is said, not a traceback alone
    raise ImportError("vilscope_log needs numpy (python3-numpy, or pip install numpy)") from error

__all__ = ["open", "default_path", "Log", "LogError", "Table"]
__version__ = "0.1.0"

APPLICATION = 0x76696C73
SCHEMAS = (3, 10)  # the first and the last version of the tables that this module reads


class LogError(Exception):
    """What is wrong with a log, where, and what to do."""


def default_path():
    """Where vilscope keeps its log."""
    data = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    return os.environ.get("VILSCOPE_LOG") or os.path.join(data, "vilscope", "log.db")


def _column(values):
    """int64, float64 (NULL is NaN) or object (NULL is None)."""
    kinds = {type(v) for v in values if v is not None}
    if kinds == {int} and None not in values:
        return np.array(values, dtype=np.int64)
    if kinds and kinds <= {int, float}:
        return np.array([np.nan if v is None else v for v in values], dtype=np.float64)
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out


class Table(dict):
    """Columns by name, all of the same length: numpy arrays."""

    def __init__(self, names, rows):
        super().__init__((n, _column([r[i] for r in rows])) for i, n in enumerate(names))
        self.rows = len(rows)

    def frame(self):
        """A pandas DataFrame."""
        try:
            import pandas
        except ImportError as error:
            raise ImportError("frame() needs pandas (python3-pandas, or pip install pandas); the "
                              "columns are numpy arrays without it") from error
        return pandas.DataFrame(dict(self))

    def records(self):
        """A list of dictionaries, a row each."""
        return [{n: v[i] for n, v in self.items()} for i in range(self.rows)]

    def __repr__(self):
        return f"<Table of {self.rows} rows: {', '.join(self)}>"

    def _repr_html_(self):
        """What a notebook shows: rows, where there is pandas."""
        try:
            return self.frame()._repr_html_()
        except ImportError:
            return None


class Log:
    """An open log. Use it as a context manager, or call close."""

    def __init__(self, path):
        self.path = path
        if os.path.isdir(path):
            raise LogError(f"{path}: is a folder of logs: open the files in it, or one that "
                           "vilscope sessions merge makes of them")
        if not os.path.isfile(path):
            raise LogError(f"{path}: there is no such file; VILSCOPE_LOG or an argument names a log")
        uri = "file:" + path.replace("%", "%25").replace("?", "%3f").replace("#", "%23") + "?mode=ro"
        self.db = sqlite3.connect(uri, uri=True)
        try:
            self._check()
        except BaseException:
            self.db.close()
            raise

    def _check(self):
        try:
            application, = self.db.execute("PRAGMA application_id").fetchone()
            self.schema, = self.db.execute("PRAGMA user_version").fetchone()
        except sqlite3.Error as error:
            raise LogError(f"{self.path}: cannot be read as a log: {error}") from error
        if application != APPLICATION:
            raise LogError(f"{self.path}: is not a log of vilscope")
        if self.schema > SCHEMAS[1]:
            raise LogError(f"{self.path}: has tables of version {self.schema}, newer than the "
                           f"{SCHEMAS[1]} that vilscope_log {__version__} knows: update it")
        if self.schema < SCHEMAS[0]:
            raise LogError(f"{self.path}: has tables of version {self.schema}: any vilscope that "
                           "writes to the log brings it up to date")

    def __repr__(self):
        return f"<Log {self.path}, tables of version {self.schema}>"

    def close(self):
        self.db.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def sql(self, query, *values):
        """Any SELECT, as a Table."""
        cursor = self.db.execute(query, values)
        return Table([c[0] for c in cursor.description], cursor.fetchall())

    # ---- what there is

    def sessions(self):
        return self.sql("SELECT s.*, (SELECT count(*) FROM queries q WHERE q.session_id = s.id) AS "
                        "queries FROM sessions s ORDER BY s.id")

    def queries(self, task=None, text=None, checkpoint=None, session=None):
        """Queries as people read them (the view query_list). text: a part of what was asked."""
        where, values = [], []
        for column, value in (("task", task), ("checkpoint", checkpoint), ("session_id", session)):
            if value is not None:
                where.append(f"{column} = ?")
                values.append(value)
        if text is not None:
            where.append("instr(lower(text), lower(?)) > 0")
            values.append(text)
        return self.sql("SELECT * FROM query_list" + (" WHERE " + " AND ".join(where) if where else
                                                      "") + " ORDER BY id", *values)

    def query(self, number):
        """One query with all that belongs to it: a dictionary whose lists are Tables."""
        rows = self.sql("SELECT * FROM queries WHERE id = ?", int(number)).records()
        if not rows:
            raise LogError(f"{self.path}: there is no query {number}")
        timings = self.sql("SELECT * FROM timings WHERE query_id = ?", int(number))
        return dict(rows[0], images=self.images(number), tokens=self.tokens(number),
                    answers=self.answers(number), boxes=self.boxes(number), timings=timings)

    def _is_there(self, table, what, number):
        """An empty list would say that there is nothing of what was never asked."""
        if not self.db.execute(f"SELECT 1 FROM {table} WHERE id = ?", (int(number),)).fetchone():
            raise LogError(f"{self.path}: there is no {what} {number}")

    def _of_query(self, table, order, number):
        self._is_there("queries", "query", number)
        return self.sql(f"SELECT * FROM {table} WHERE query_id = ? ORDER BY {order}", int(number))

    def images(self, query):
        return self._of_query("query_images", "position", query)

    def tokens(self, query):
        return self._of_query("tokens", "position", query)

    def answers(self, query):
        """Ranked answers; of long lists the first 100."""
        return self._of_query("answers", "rank", query)

    def boxes(self, query):
        """Ranked boxes; region 0 is the whole image."""
        return self._of_query("boxes", "rank", query)

    def attention(self, query):
        """The logged maps of a query: {name: float16 array (images, heads, rows, columns)}."""
        self._is_there("queries", "query", query)
        maps = {}
        for name, shape, size, data in self.db.execute(
                "SELECT name, shape, bytes, data FROM attention WHERE query_id = ?", (int(query),)):
            shape = [int(n) for n in str(shape).replace(",", " ").split()]
            packer = zlib.decompressobj()
            raw = packer.decompress(data, size)  # no more than it claims
            if len(raw) != size or not packer.eof and packer.decompress(packer.unconsumed_tail, 1):
                raise LogError(f"{self.path}: map {name} of query {query} is not of {size} bytes")
            values = np.frombuffer(raw, dtype="<f2")
            if len(shape) != 4 or values.size != np.prod(shape, dtype=np.int64):
                raise LogError(f"{self.path}: map {name} of query {query} has another shape")
            maps[name] = values.reshape(shape)
        return maps

    def attributions(self, query):
        """What a query's answer owes to words and regions (since version 9): a list of dictionaries,
        with "of_tokens" (tokens) and "of_regions" (images, regions; region 0 is the whole image) as
        float32 arrays, NaN where there is no number; where "exact" is true also "exact_of_tokens" and
        "exact_of_regions"."""
        self._is_there("queries", "query", query)
        if self.schema < 9:
            return []
        found = []
        for row in self.sql("SELECT * FROM attributions WHERE query_id = ? ORDER BY id",
                            int(query)).records():
            data = row.pop("data")
            tokens, shape = row["tokens"], (row["images"], row["regions"])
            one = tokens + shape[0] * shape[1]
            if len(data) != 4 * one * (2 if row["exact"] else 1) or \
                    hashlib.sha256(data).hexdigest() != row["digest"]:
                raise LogError(f"{self.path}: an attribution of query {query} is damaged")
            values = np.frombuffer(data, dtype="<f4")
            for name, at in (("", 0), ("exact_", one))[:2 if row["exact"] else 1]:
                row[name + "of_tokens"] = values[at:at + tokens]
                row[name + "of_regions"] = values[at + tokens:at + one].reshape(shape)
            row["tested"] = json.loads(row["tested"]) if row["tested"] else None
            found.append(row)
        return found

    def evaluations(self):
        """What checkpoints scored on data sets."""
        return self.sql("SELECT * FROM evaluations ORDER BY id")

    def evaluation_rows(self, evaluation):
        """The items of an evaluation, a row each, where they were logged (since version 7)."""
        if self.schema < 7:
            raise LogError(f"{self.path}: has tables of version {self.schema}, which keep no rows of "
                           "evaluations: any vilscope that writes to the log brings it up to date")
        self._is_there("evaluations", "evaluation", evaluation)
        return self.sql("SELECT * FROM evaluation_rows WHERE evaluation_id = ?", int(evaluation))

    def checks(self):
        """Results of check sets with their runs (the view probe_trend)."""
        return self.sql("SELECT * FROM probe_trend ORDER BY ran")

    def differences(self):
        """What was found out about two checkpoints."""
        return self.sql("SELECT * FROM difference_list ORDER BY id")

    def difference_parts(self, number):
        """What a difference is made of: layers, heads, tensors."""
        self._is_there("differences", "difference", number)
        return self.sql("SELECT * FROM difference_parts WHERE difference_id = ? ORDER BY position",
                        int(number))


def open(path=None):  # noqa: A001 - as gzip.open and others are called
    """The log at path, or the default one."""
    return Log(os.fspath(path) if path is not None else default_path())
