"""The world around a program: every reader hands out digits in the shape it should, and nothing is left behind."""

import ast
import builtins
import gzip
import importlib
import sys
import textwrap

import numpy as np
import pytest

from nnref.checking.watching.recording import recorder
from nnref.checking.watching.world import AbsentError, prepared, smaller
from nnref.checking.watching.world.needs import needs
from tests.conftest import require


class Marks:
    """What would be recorded: the kind of every array that was handed out, by its shape."""

    def __init__(self):
        self.kinds = []

    def leaf(self, array, kind):
        """Note the kind."""
        self.kinds.append((kind, array.shape))
        return array

    def entry(self, array, k):
        """A label, as a plain number."""
        return int(array[k])


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a program's text in a folder of its own under the world; its names, with what was marked and answered."""

    def run(text, seed=0, data=None):
        path, marks = tmp_path / "program.py", Marks()
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(recorder, "_current", [marks])
        names = {"__name__": "__main__"}
        with prepared(path, data, seed) as world:
            tree = smaller(ast.parse(path.read_text(encoding="utf-8")), path, data is not None)
            exec(compile(tree, str(path), "exec"), names)
        return names | {"marks": marks.kinds, "world": world}

    return run


READERS = {
    "pandas, label first": """
        import pandas as pd
        data = np.array(pd.read_csv("train.csv"))
        X, y = data[1000:, 1:], data[1000:, 0]
        """,
    "pandas by name": """
        import pandas as pd
        table = pd.read_csv("/kaggle/input/digit-recognizer/train.csv")
        X, y = table.drop("label", axis=1).values, table["label"].to_numpy()
        """,
    "pandas by position": """
        import pandas as pd
        table = pd.read_csv("mnist_train.csv", header=None)
        X, y = table.iloc[:, 1:].values, table.iloc[:, 0].values
        """,
    "label last": """
        data = np.loadtxt("mnist.csv", delimiter=",")
        X, y = data[:, :-1], data[:, -1]
        """,
    "genfromtxt": "data = np.genfromtxt('digits.csv', delimiter=',', skip_header=1); X, y = data[:, 1:], data[:, 0]",
    "keras": "from keras.datasets import mnist\n(X, y), test = mnist.load_data()\nX = X.reshape(60000, 784)",
    "tensorflow": "import tensorflow as tf\n(X, y), _ = tf.keras.datasets.mnist.load_data()",
    "openml": "from sklearn.datasets import fetch_openml\nX, y = fetch_openml('mnist_784', version=1, return_X_y=True)",
    "npz": "with np.load('mnist.npz') as f:\n    X, y = f['x_train'], f['y_train']",
    "npy": "X, y = np.load('data/train_images.npy'), np.load('data/train_labels.npy')",
    "idx": """
        import gzip, struct
        with open("train-labels-idx1-ubyte", "rb") as f:
            magic, n = struct.unpack(">II", f.read(8))
            y = np.fromfile(f, dtype=np.uint8)
        with gzip.open("train-images-idx3-ubyte.gz", "rb") as f:
            magic, n, rows, columns = struct.unpack(">IIII", f.read(16))
            X = np.frombuffer(f.read(), dtype=np.uint8).reshape(n, rows * columns)
        """,
    "pickle": """
        import gzip, pickle
        with gzip.open("../data/mnist.pkl.gz", "rb") as f:
            (X, y), validation, test = pickle.load(f, encoding="latin1")
        """,
    "torchvision": "from torchvision.datasets import MNIST\nd = MNIST('.')\nX, y = d.data.numpy(), d.targets.numpy()",
    "split": """
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split
        X, X_test, y, y_test = train_test_split(*load_digits(return_X_y=True), test_size=0.2)
        """,
    "lines": """
        rows = [line.split(",") for line in open("mnist_train_100.csv").readlines()]
        X, y = np.array([row[1:] for row in rows], float), np.array([row[0] for row in rows], int)
        """,
}


@pytest.mark.parametrize("reader", READERS)
def test_a_reader_hands_out_digits_with_labels_of_all_ten_classes(run, reader):
    names = run("import numpy as np\n" + textwrap.dedent(READERS[reader]))
    X, y = np.asarray(names["X"]), np.asarray(names["y"])
    assert len(X) == len(y) >= 100
    assert set(np.unique(y.astype(int))) == set(range(10))
    assert X[0].size in (784, 64)
    assert np.asarray(X, float).max() > 0
    assert {kind for kind, shape in names["marks"]} == ({"data", "labels"} if reader != "lines" else set())


@pytest.mark.parametrize(
    "line",
    [
        "from scipy.io import loadmat",
        "import scipy.io as sio\nloadmat = sio.loadmat",
        "import scipy\nloadmat = scipy.io.loadmat",
    ],
)
def test_a_matlab_file_is_digits_whether_or_not_scipy_io_was_imported_before_and_after_it_is_the_real_one(run, line):
    require("scipy")
    text = f"{line}\nd = loadmat('ex3data1.mat')\nX, y = d['X'], d['y']"
    importlib.import_module("scipy.io")
    for _ in range(2):  # the first finds the real one imported; the second finds none
        names = run(text)
        assert names["X"].shape[1] == 400
        assert set(np.unique(names["y"])) == set(range(1, 11))
        real = importlib.import_module("scipy.io")
        assert real.loadmat.__module__.startswith("scipy.io")
        assert sys.modules["scipy"].io is real
        del sys.modules["scipy.io"], sys.modules["scipy"].io
    importlib.import_module("scipy.io")


def test_another_seed_hands_out_other_digits_in_the_same_shape(run):
    text = "from keras.datasets import mnist\n(X, y), _ = mnist.load_data()"
    first, second = run(text), run(text, seed=1)
    assert first["X"].shape == second["X"].shape
    assert (first["X"] != second["X"]).any()


def test_the_data_of_the_person_take_the_place_of_the_digits(run):
    X, y = np.arange(21.0).reshape(3, 7), np.array([0, 1, 1])
    names = run("from sklearn.datasets import fetch_openml\nX, y = fetch_openml('d', return_X_y=True)", data=(X, y))
    assert np.array_equal(names["X"], X)
    assert np.array_equal(names["y"], y)


def test_a_table_that_lies_beside_the_program_is_read_as_it_is(run, tmp_path):
    (tmp_path / "flowers.csv").write_text("width,species\n0.5,oak\n1.5,elm\n", encoding="utf-8")
    names = run(
        """
        import pandas as pd
        table = pd.read_csv("flowers.csv")
        x, y = table["width"].values, table["species"].map({"oak": 0, "elm": 1}).values
        """
    )
    assert names["x"].tolist() == [0.5, 1.5]
    assert names["y"].tolist() == [0, 1]
    assert ("labels", (2,)) in names["marks"]


def test_a_table_that_is_not_there_has_the_columns_that_are_asked_for(run):
    names = run(
        """
        import pandas as pd
        people = pd.read_csv("https://example.org/people.csv")
        X, y = people[["age", "fare"]].values, people["survived"].values
        """
    )
    assert names["X"].shape == (600, 2)
    assert set(names["y"]) == {0, 1}
    assert names["marks"] == [("data", (600, 2)), ("labels", (600,)), ("data", (600, 2)), ("labels", (600,))]


def test_one_hot_labels_are_labels(run):
    names = run(
        """
        from keras.utils import to_categorical
        from sklearn.preprocessing import OneHotEncoder
        Y = to_categorical([1, 0, 2])
        Z = OneHotEncoder(sparse_output=False).fit_transform([[1], [0], [2]])
        """
    )
    assert np.array_equal(names["Y"], names["Z"])
    assert [kind for kind, _ in names["marks"]] == ["labels", "labels"]


def test_what_draws_and_shows_does_nothing(run):
    names = run(
        """
        import matplotlib.pyplot as plt, seaborn as sns
        from tqdm import tqdm, trange
        fig, axes = plt.subplots(2, 2)
        axes[0, 1].plot([1, 2], label="loss")
        plt.show()
        seen = [k for k in tqdm(range(3))] + list(trange(2))
        asked = input("how many? ")
        """
    )
    assert names["seen"] == [0, 1, 2, 0, 1]
    assert names["asked"] == "1"
    assert names["world"].absent == []


KNOWN = {
    "no names": ("t = pd.read_csv('data/iris.data', header=None); X, y = t.iloc[:, :-1].values, t.iloc[:, -1]", 4, 3),
    "a name for the label": (
        "t = pd.read_csv('iris.csv'); X, y = t.drop('species', axis=1).values, t['species']",
        4,
        3,
    ),
    "words": (
        "t = pd.read_csv('Iris.csv'); X = t.drop(['Id', 'Species'], axis=1).values\n"
        "y = t['Species'].map({'setosa': 0, 'versicolor': 1, 'virginica': 2}).values",
        4,
        3,
    ),
    "loadtxt": ("t = np.loadtxt('ex2data1.txt', delimiter=','); X, y = t[:, :2], t[:, 2]", 2, 2),
    "spaces": (
        "t = np.array([line.split() for line in open('housing.data')], float); X, y = t[:, :-1], t[:, -1]",
        13,
        210,
    ),
    "lines": (
        "t = np.array([line.strip().split(',') for line in open('seeds_dataset.csv')]); X, y = t[:, :7], t[:, 7]",
        7,
        3,
    ),
    "label first": ("t = pd.read_csv('wine.data', header=None); X, y = t.iloc[:, 1:].values, t.iloc[:, 0]", 13, 3),
    "header": ("t = pd.read_csv('diabetes.csv'); X, y = t.values[:, :-1], t['Outcome']; t['BMI']", 8, 2),
    "names": (
        "t = pd.read_csv('iris.data', names=['a', 'b', 'c', 'd', 'kind']); X, y = t[[*'abcd']].values, t['kind']",
        4,
        3,
    ),
}


@pytest.mark.parametrize("way", KNOWN)
def test_tables_that_books_read_by_the_names_of_their_files_have_their_columns_and_classes(run, way):
    text, width, classes = KNOWN[way]
    names = run(f"import numpy as np, pandas as pd\n{text}")
    assert names["X"].shape == (210, width)
    assert len(set(np.asarray(names["y"]).tolist())) == pytest.approx(classes, abs=3 * (classes > 100))


@pytest.mark.parametrize(
    ("line", "made"),
    [
        ("pixels = array('B', open('train-images-idx3-ubyte', 'rb').read())", True),
        ("rows = open('digits.csv').readlines()", True),
        ("X, y = make_blobs()", True),
        ("X = [0.1, 0.2]", False),
    ],
)
def test_that_data_were_made_up_is_known_also_where_no_array_of_them_was_handed_out(run, line, made):
    names = run(f"from array import array\nfrom sklearn.datasets import make_blobs\n{line}")
    assert names["world"].numbers.made is made


def test_a_package_that_is_absent_is_named_where_it_is_called(run):
    with pytest.raises(AbsentError, match=r"course_utils\.sigmoid is called, and course_utils cannot be imported"):
        run("from course_utils import sigmoid\nsigmoid(0.0)")


def test_a_package_that_is_absent_and_not_called_is_only_named(run):
    assert run("import course_utils\nx = 1")["world"].absent == ["course_utils"]


def test_a_module_beside_the_program_comes_before_one_that_is_answered(run, tmp_path):
    (tmp_path / "mnist.py").write_text("own = True", encoding="utf-8")
    sys.path.insert(0, str(tmp_path))
    try:
        assert run("import mnist\nown = mnist.own")["own"] is True
    finally:
        sys.path.remove(str(tmp_path))


def test_nothing_is_written_beside_the_program_and_what_was_written_is_read_again(run, tmp_path):
    names = run(
        """
        import os, pickle
        import numpy as np
        os.makedirs("out", exist_ok=True)
        with open("out/log.txt", "w") as f:
            f.write("kept")
        with open("model.pkl", "wb") as f:
            pickle.dump({"a": 1}, f)
        np.save("weights.npy", np.zeros(3))
        text, model = open("out/log.txt").read(), pickle.load(open("model.pkl", "rb"))
        """
    )
    assert (names["text"], names["model"]) == ("kept", {"a": 1})
    assert [p.name for p in tmp_path.iterdir()] == ["program.py"]


def test_weights_of_an_earlier_run_are_not_made_up(run):
    with pytest.raises(FileNotFoundError, match="weights"):
        run("import numpy as np\nW = np.load('model_weights.npy')")


def test_afterwards_everything_is_as_it_was(run):
    before = (
        builtins.open,
        builtins.input,
        gzip.open,
        np.load,
        np.frombuffer,
        sys.modules.get("pandas"),
        len(sys.meta_path),
    )
    run("import pandas, tensorflow, matplotlib.pyplot, course_utils\nimport numpy as np\nx = np.float(1)")
    after = (
        builtins.open,
        builtins.input,
        gzip.open,
        np.load,
        np.frombuffer,
        sys.modules.get("pandas"),
        len(sys.meta_path),
    )
    assert before == after
    assert not hasattr(np, "asfarray")
    assert "course_utils" not in sys.modules


@pytest.mark.parametrize(
    "source",
    ["batch_sz = 500", "def train(net, batch_size=500): pass", "train(net, batch=500)", "self.batch = 500"],
)
def test_a_program_gets_more_rows_than_its_batches_take_after_a_thousand_are_held_out(source, tmp_path):
    assert needs([ast.parse(source)], tmp_path).rows >= 1000 + 500


def test_the_range_of_python_2_is_that_of_python_3(run):
    assert run("from past.builtins import xrange\nn = sum(1 for _ in xrange(4))\n")["n"] == 4


def test_pictures_and_labels_are_prepared_as_the_program_asks(run):
    names = run("""
        import torchvision
        import numpy as np
        from torchvision import transforms
        def flat(image): return image.numpy().reshape(-1)
        prepare = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.25,)), flat])
        d = torchvision.datasets.MNIST(".", transform=prepare, target_transform=lambda k: np.eye(10)[k])
        x, t = d[3]
        """)
    assert (names["x"].shape, names["x"].min(), names["x"].max() <= 2, names["t"].sum()) == ((784,), -2, True, 1)


def test_a_model_that_a_program_compares_its_own_with_may_come_from_a_module_of_a_package(run):
    names = run("from sklearn import svm\nm = svm.SVR(C=3)\nm.fit([[1.0]], [2.0])\np = m.predict([[1.0], [2.0]])")
    assert names["p"].tolist() == [0, 0]


def test_a_folder_of_texts_that_is_not_there_holds_a_list_of_names_for_each_kind(run):
    names = run("""
        import os
        folder = "data/names"
        read = {k: open(os.path.join(folder, k), encoding="utf-8").read().split() for k in os.listdir(folder)}
        """)
    assert len(names["read"]) == 10
    assert len({tuple(found) for found in names["read"].values()}) == 10
    with pytest.raises(FileNotFoundError):
        run("open('elsewhere/0').read()")


def test_of_one_row_in_many_the_counts_in_the_source_are_as_many_too(tmp_path):
    path = tmp_path / "program.py"
    path.write_text("m = 50000\nX = read('x.csv').reshape(m, 784)", encoding="utf-8")
    tree = smaller(ast.parse(path.read_text(encoding="utf-8")), path, False, share=40)
    assert ast.unparse(tree).startswith("m = 62")
