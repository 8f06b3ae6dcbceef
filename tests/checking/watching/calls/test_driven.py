"""Classes of a file that no time was left for: the file is not right, whatever the others are."""

from nnref.checking.watching.calls import driven as calls
from nnref.checking.watching.telling.report import certificate, settled

TWO_MODELS = """\
import numpy as np
class Line:
    def fit(self, X, y):
        self.w, self.b = np.random.randn(X.shape[1]) * 0.1, np.float64(0)
        for _ in range(20):
            error = X @ self.w + self.b - y
            self.w = self.w - 0.1 * X.T @ error / len(y)
            self.b = self.b - 0.1 * error.mean()
class Wrong:
    def fit(self, X, y):
        self.w, self.b = np.random.randn(X.shape[1]) * 0.1, np.float64(0)
        for _ in range(20):
            error = X @ self.w + self.b - y
            self.w = self.w - 0.1 * X.T @ error ** 2 / len(y)
            self.b = self.b - 0.1 * error.mean()
"""


def test_a_class_that_no_time_was_left_for_is_named_and_the_file_is_not_right(tmp_path, monkeypatch):
    (path := tmp_path / "program.py").write_text(TWO_MODELS, encoding="utf-8")
    found = calls.driven(path)
    assert found is not None
    assert settled(found) is False
    monkeypatch.setattr(calls, "MORE", -1.0)
    found = calls.driven(path)
    assert found is not None
    assert settled(found) is None
    assert "class Wrong was not called" in str(certificate(found).notes)
