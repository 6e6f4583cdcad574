"""Names that reach C: identifiers, and no words that C or C++ keep for themselves."""

import re

from edgekit.errors import UsageError

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")

_KEYWORD_LINES = (
    # C23 (N3220, 6.4.1), which holds those of C99 and C11.
    "alignas alignof auto bool break case char const constexpr continue default do double else",
    "enum extern false float for goto if inline int long nullptr register restrict return short",
    "signed sizeof static static_assert struct switch thread_local true typedef typeof",
    "typeof_unqual union unsigned void volatile while",
    # C++23 (N4950, [lex.key] and the alternative tokens), those that C lacks.
    "and and_eq asm bitand bitor catch char16_t char32_t char8_t class co_await co_return",
    "co_yield compl concept const_cast consteval constinit decltype delete dynamic_cast explicit",
    "export friend mutable namespace new noexcept not not_eq operator or or_eq private protected",
    "public reinterpret_cast requires static_cast template this throw try typeid typename using",
    "virtual wchar_t xor xor_eq",
)
_KEYWORDS = frozenset(word for line in _KEYWORD_LINES for word in line.split())


def check_name(name: str) -> None:
    """Let ``name`` pass if arrays, functions and files of firmware can be called by it.

    Raises:
        UsageError: It is no identifier, or a keyword of C or C++.
    """
    if not _IDENTIFIER.fullmatch(name):
        raise UsageError(
            f"the model's name '{name}' is not a C identifier",
            hint="use a letter, then letters, digits and underscores, such as: --name my_model",
        )
    if name in _KEYWORDS:
        raise UsageError(
            f"the model's name '{name}' is a keyword of C or C++",
            hint=f"use another, such as: --name {name}_model",
        )
