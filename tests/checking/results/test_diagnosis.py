"""Is a diagnosis plain data, with its mistakes by their keys?"""

import json
from dataclasses import fields

from nnref.checking.results.diagnosis import Diagnosis, Mistake

ONE = Mistake("bias.one_number", "db", "One number.", "db = np.sum(dZ)", "db = dZ.sum(axis=1)", "affine.db")
OTHER = Mistake("bias.averaged", "db", "A mean.", "db = dZ.mean()", "db = dZ.sum(axis=1)", "affine.db")


def test_a_diagnosis_survives_json_with_its_mistakes_by_key():
    found = Diagnosis(ONE, "db2", "One number.", 10, 10, also=("db1",), alternatives=(OTHER,), place="line 3")
    again = json.loads(json.dumps(found.to_dict()))
    assert set(again) == {field.name for field in fields(Diagnosis)}
    assert (again["mistake"], again["alternatives"], again["also"]) == ("bias.one_number", ["bias.averaged"], ["db1"])


def test_what_no_mistake_explains_has_no_key():
    assert Diagnosis(None, "dZ1", "Nothing explains it.").to_dict()["mistake"] is None
