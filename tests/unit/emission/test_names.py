import keyword

import pytest

from edgekit.emission.formats import check_name
from edgekit.errors import UsageError


@pytest.mark.parametrize("name", ["digits", "Kws_2", "a", "x__y"])
def test_names_that_c_takes(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize("name", ["", "2fast", "my-net", "_hidden", "größe", "a b", "net\n"])
def test_no_identifier(name: str) -> None:
    with pytest.raises(UsageError, match="is not a C identifier"):
        check_name(name)


@pytest.mark.parametrize(
    "name", ["int", "class", "restrict", "namespace", "constexpr", "typeof", "xor_eq", "co_await"]
)
def test_keywords(name: str) -> None:
    with pytest.raises(UsageError, match=f"'{name}' is a keyword of C or C\\+\\+"):
        check_name(name)


def test_python_s_own_keywords_are_no_matter_here() -> None:
    check_name("lambda")
    assert keyword.iskeyword("lambda")
