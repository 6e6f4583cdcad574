"""From a template to the text of a file: jinja2, strict, one template a file."""

from functools import cache
from pathlib import PurePosixPath

from jinja2 import Environment, PackageLoader, StrictUndefined

from edgekit.emission.c_text import comment_text, float_literal, macro_literal, string_literal
from edgekit.emission.firmware import EmittedFile, Firmware


def render(template: str, path: str, firmware: Firmware, **values: object) -> EmittedFile:
    """Return the file at ``path``, made from ``template``.

    Args:
        template: Below ``edgekit/emission/templates``, such as ``"c/model.h.j2"``.
        path: Of the file; ``NAME`` in it stands for the model's name.
        firmware: Known to the template under this name.
        **values: What else the template knows.
    """
    text = (
        _environment()
        .get_template(template)
        .render(firmware=firmware, name=firmware.name, NAME=firmware.name.upper(), **values)
    )
    return EmittedFile(path=PurePosixPath(path.replace("NAME", firmware.name)), text=text)


@cache
def _environment() -> Environment:
    # The text is C, CMake and the like: HTML's escapes would spoil it.
    environment = Environment(
        loader=PackageLoader("edgekit.emission"),
        autoescape=False,  # noqa: S701
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["float"] = float_literal
    environment.filters["macro"] = macro_literal
    environment.filters["string"] = string_literal
    environment.filters["comment"] = comment_text
    return environment
