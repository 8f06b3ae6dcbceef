"""What beginners' programs ask of the world: words on the command line, answers, texts, folders of images, tables."""

import ast

import numpy as np
import pytest

from nnref.checking.watching.telling.report import settled
from nnref.checking.watching.world.arguments import command_line, input_answer
from nnref.checking.watching.world.columns import Columns
from nnref.checking.watching.world.feature_names import classes_of, features
from nnref.checking.watching.world.folders import converted, resized, threshold
from nnref.checking.watching.world.needs import needs
from nnref.checking.watching.world.passengers import is_asked_for, passengers
from nnref.checking.watching.world.remote import decompress
from nnref.checking.watching.world.tables import Frame, Series
from nnref.checking.watching.world.texts import made_text
from tests.support.programs import seen


@pytest.mark.parametrize(
    ("source", "given"),
    [
        ("import sys\nopen(sys.argv[1])", ["train.csv"]),
        ("import sys\nif len(sys.argv) != 3: raise SystemExit\nn = int(sys.argv[2])", ["train.csv", "20"]),
        ("import sys\nif len(sys.argv) < 2: sys.exit()\nif sys.argv[1] not in ['knn', 'mlp', 'all']: pass", ["mlp"]),
        ("import sys\nif len(sys.argv) == 1: exit()\nrate = float(sys.argv[1])", ["0.1"]),
        ("import sys\nif len(sys.argv) > 1: name = sys.argv[1]", []),
        ("print('no arguments')", []),
    ],
)
def test_a_program_is_called_with_the_words_that_it_cannot_do_without(source, given):
    assert command_line([ast.parse(source)]) == given


def test_a_question_is_answered_by_what_it_speaks_of():
    assert input_answer("Number of epochs: ") == "20"
    assert input_answer("Path of the file? ") == "train.csv"
    assert input_answer("Train again (y/n)? ") == "y"


TEXT = """\
import numpy as np
text = open("text8").read().split()[:400]
words = sorted(set(text))
number = {w: k for k, w in enumerate(words)}
V = len(words)
E, W = np.random.randn(V, 5) * 0.3, np.random.randn(5, V) * 0.3
for epoch in range(2):
    for k in range(1, len(text) - 1):
        context = [number[text[k - 1]], number[text[k + 1]]]
        h = E[context].mean(axis=0)
        s = h @ W
        p = np.exp(s - s.max()) / np.exp(s - s.max()).sum()
        d = p.copy()
        d[number[text[k]]] -= 1
        back = W @ d
        W -= 0.1 * np.outer(h, d)
        for c in context:
            E[c] -= 0.1 * back / 2
"""

FETCHED = """\
import numpy as np, requests, gzip
def fetch(url):
    data = requests.get(url).content
    return np.frombuffer(gzip.decompress(data), dtype=np.uint8).copy()
X = fetch("http://example.org/train-images-idx3-ubyte.gz")[0x10:].reshape((-1, 784)) / 255
Y = np.eye(10)[fetch("http://example.org/train-labels-idx1-ubyte.gz")[8:]]
W = np.random.randn(784, 10) * 0.01
for k in range(0, 200, 50):
    x, y = X[k:k + 50], Y[k:k + 50]
    e = np.exp(x @ W)
    W -= 0.1 * x.T @ (e / e.sum(axis=1, keepdims=True) - y) / 50
"""

FOLDERS = """\
import os, cv2
import numpy as np
X, y = [], []
for label in os.listdir("digits/train"):
    for name in os.listdir(os.path.join("digits/train", label)):
        image = cv2.imread(os.path.join("digits/train", label, name), cv2.IMREAD_GRAYSCALE)
        X.append(cv2.resize(image, (14, 14)))
        y.append(label)
X, y = np.array(X).reshape(-1, 196) / 255, np.array(y).astype("uint8")
Y = np.eye(10)[y]
W = np.random.randn(196, 10) * 0.01
for step in range(9):
    e = np.exp(X @ W)
    W -= 0.1 * X.T @ (e / e.sum(axis=1, keepdims=True) - Y) / len(X)
"""

SHIP = """\
import numpy as np, pandas as pd
df = pd.read_csv("ship/train.csv")
df["Sex"] = [1 if s == "male" else 0 for s in df["Sex"].values]
y = df.Survived.values
X = df.drop(["PassengerId", "Survived", "Name", "Cabin", "Embarked", "Ticket"], axis=1)
X = np.array(X.fillna(X["Age"].mean()))
X = (X - X.mean(axis=0)) / X.std(axis=0)
w = np.random.random(X.shape[1])
for i in range(9):
    p = 1 / (1 + np.exp(-np.dot(X, w)))
    w = w - 0.1 * np.dot(X.T, p - y) / len(y)
"""


@pytest.mark.parametrize("text", [FETCHED, FOLDERS, SHIP], ids=["fetched", "folders of images", "passengers"])
def test_a_program_that_asks_for_it_is_read_and_its_mistake_is_seen(tmp_path, text):
    assert settled(seen(tmp_path, text)) is True
    assert (
        settled(
            seen(
                tmp_path,
                text,
                (" - 0.1 * " if " - 0.1 * " in text else "W -= ", "+ 0.1 *" if " - 0.1 * " in text else "W += "),
            )
        )
        is False
    )


def test_a_program_that_reads_words_is_watched(tmp_path):
    assert seen(tmp_path, TEXT).steps


def test_texts_are_told_from_files_of_numbers_by_their_names():
    random = np.random.RandomState(0)
    assert len(set(made_text("shakespeare.txt", random).split())) > 50
    assert made_text("wiki_data.csv", random) is None
    assert made_text("measurements.txt", random) is None


def test_passengers_have_the_columns_that_are_asked_for_and_those_of_a_test_do_not_survive():
    names, columns = passengers(np.random.RandomState(0), "train.csv")
    assert {"Sex", "Age", "Survived", "Embarked"} <= set(names)
    assert len({len(column) for column in columns}) == 1
    assert "Survived" not in passengers(np.random.RandomState(0), "test.csv")[0]
    assert is_asked_for(["Pclass"])
    assert not is_asked_for(["age", "label"])


def test_small_tables_have_the_names_that_scikit_learn_gives_them():
    assert features("load_breast_cancer", 30)[27] == "worst concave points"
    assert features("load_wine", 13)[-1] == "proline"
    assert classes_of("load_breast_cancer") == ["malignant", "benign"]


def test_images_are_made_smaller_and_cut_at_a_limit():
    image = np.arange(16, dtype=np.uint8).reshape(4, 4)
    assert resized(image, (2, 2)).tolist() == [[0, 2], [8, 10]]
    assert threshold(image, 7, 255)[1].tolist() == [[0] * 4, [0] * 4, [255] * 4, [255] * 4]
    assert converted(np.stack([image] * 3, axis=-1), 6).shape == (4, 4)
    assert decompress(b"not compressed") == b"not compressed"


def test_words_that_a_column_is_compared_with_or_mapped_from_are_in_it(tmp_path):
    tree = ast.parse(
        'df = read_csv("a.csv")\nx = df["sex"].map({"m": 1, "f": 0})\nz = df["town"] == "Rome"\ny = df["target"]'
    )
    found = needs([tree], tmp_path)
    assert found.spoken == {"sex": ["m", "f"], "town": ["Rome", "not Rome"]}
    assert found.values == []
    assert found.label == "target"


TABLE = Frame(np.array([[1.0, 4.0], [2.0, 5.0], [9.0, 6.0]]), ["a", "b"])


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (lambda: TABLE["a"].quantile(0.5), 2.0),
        (lambda: TABLE["a"].clip(0, 3).tolist(), [1.0, 2.0, 3.0]),
        (lambda: TABLE["a"].isin([2, 9]).tolist(), [False, True, True]),
        (lambda: TABLE["a"].between(1, 2).tolist(), [True, True, False]),
        (lambda: TABLE["a"].where(TABLE["a"] > 1, 0).tolist(), [0.0, 2.0, 9.0]),
        (lambda: TABLE["a"].mask(TABLE["a"] > 1, 0).tolist(), [1.0, 0.0, 0.0]),
        (lambda: Series([1, 1, 2]).mode()[0], 1),
        (lambda: Series([1, 1, 2]).value_counts().tolist(), [2, 1]),
        (lambda: Series([5, 5, 2]).value_counts().index, [5, 2]),
        (lambda: list(TABLE.items())[1][0], "b"),
        (lambda: next(iter(TABLE.itertuples(index=False))), (1.0, 4.0)),
        (lambda: TABLE.to_dict("list"), {"a": [1.0, 2.0, 9.0], "b": [4.0, 5.0, 6.0]}),
        (lambda: TABLE.to_dict("records")[0], {"a": 1.0, "b": 4.0}),
        (lambda: list(TABLE.select_dtypes(include=["number"]).columns), ["a", "b"]),
        (lambda: Series(np.array([" x", "y "], object)).str.strip().array.tolist(), ["x", "y"]),
        (lambda: TABLE.drop([0, 2]).array.tolist(), [[2.0, 5.0]]),
        (lambda: TABLE.drop(TABLE.sample(frac=0.67).index).array.tolist(), [[9.0, 6.0]]),
        (lambda: TABLE.columns.intersection(["b", "c"]), Columns(["b"])),
        (lambda: TABLE.columns.difference(["b"]), Columns(["a"])),
        (lambda: TABLE.columns.str.upper(), Columns(["A", "B"])),
        (lambda: TABLE.iloc[1]["b"], 5.0),
        (lambda: TABLE.iloc[1].to_numpy().tolist(), [2.0, 5.0]),
    ],
)
def test_tables_do_what_people_do_with_them_every_day(monkeypatch, made, expected):
    from nnref.checking.watching.recording import recorder

    monkeypatch.setattr(recorder, "_current", [recorder.Recorder()])
    assert made() == expected
