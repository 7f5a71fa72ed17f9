import doctest
from types import ModuleType

import pytest

from geo import cells, datum, lonlat


@pytest.mark.parametrize("module", [lonlat, datum, cells], ids=lambda m: m.__name__)
def test_the_examples_in_the_docstrings_are_true(module: ModuleType) -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0
