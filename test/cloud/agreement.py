# test/cloud/agreement.py - what every dialect must answer alike
"""A test module has a class of these, and a fixture `rows`: its report of everything."""

import pytest

import cases


class Agreement:
    """The report of the truth table and of each random log is the extension's."""

    def test_truth_table(self, rows, everything):
        log = cases.truth()
        assert cases.answer_of(rows, log) == cases.answer_of(everything[1], log)
        assert len(cases.answer_of(rows, log)) == 171

    @pytest.mark.parametrize("log", cases.random_logs(), ids=lambda log: log.name)
    def test_random_log(self, log, rows, everything):
        assert cases.answer_of(rows, log) == cases.answer_of(everything[1], log)
        assert cases.answer_of(rows, log)

    def test_nothing_else(self, rows, everything):
        assert rows == everything[1]
