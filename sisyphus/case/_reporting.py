"""The spellings of `config.output`: where the result goes, and how much of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sisyphus.case._shapes import expected, texts, unknown
from sisyphus.case.draft import spellings, take
from sisyphus.case.yaml import Seq
from sisyphus.words import tr

if TYPE_CHECKING:
    from sisyphus.case.draft import Draft, Findings
    from sisyphus.case.yaml import Map

_OUTPUT: Final = spellings(
    "formats", "path", "include_request", "include_response", "sensitive_data_mask", "allure", "allure_dir",
    format="formats",
)  # fmt: skip

_WRITTEN: Final = frozenset({"html", "json"})
_SHOWN: Final = frozenset({"console", "text"})  # which stdout shows anyway
_LATER: Final = frozenset({"allure", "csv", "junit"})
_FORMATS: Final = {name: name for name in sorted(_WRITTEN | _SHOWN | _LATER)}


def output_draft(source: Map, found: Findings) -> Draft:
    """What one layer of settings says about the result; formats that cannot be written yet are told and left out."""
    draft = take(source, _OUTPUT, "output", found)
    later = [key for key in ("allure", "allure_dir") if draft.pop(key, None) not in (None, False, "")]
    if "formats" in draft:
        later += _sort_out_formats(draft, found)
    if later:
        named = ", ".join(dict.fromkeys(name.removesuffix("_dir") for name in later))
        message = tr("this version does not write {formats} yet; json and html can be written", formats=named)
        found.warn(draft.place_of("formats") if "formats" in draft else draft.place, message)
    return draft


def _sort_out_formats(draft: Draft, found: Findings) -> list[str]:
    """Leaves the formats that are written, in one spelling; returns those that are not written yet."""
    key = draft.key_of("formats")
    later: list[str] = []
    formats = texts(draft["formats"], draft.place_of("formats"), key, found)
    kept = Seq(formats.file, formats.line, formats.column)
    for name, mark in zip(formats, formats.marks, strict=True):
        known = name.lower()
        if known in _LATER:
            later.append(known)
        elif known in _FORMATS:
            kept.append(known)
            kept.marks.append(mark)
        else:
            found.wrong((formats.file, *mark), tr("unknown format '{name}'", name=name), unknown(name, _FORMATS))
    draft.put("formats", kept, draft.place_of("formats"))
    return later


def take_mask(output: Draft, config: Draft, found: Findings) -> None:
    """Gives `sensitive_data_mask` its meaning, unless `masking_strategy` says more."""
    if "sensitive_data_mask" not in output:
        return
    masked, place = output.pop("sensitive_data_mask"), output.place_of("sensitive_data_mask")
    if not isinstance(masked, bool):
        found.wrong(place, f"sensitive_data_mask: {expected(tr('true or false'), masked)}")
    elif "masking_strategy" not in config:
        config.put("masking_strategy", "full" if masked else "none", place)


def check_output(config: Draft, found: Findings) -> None:
    """Notes of merged settings that a format is asked for and no place for it."""
    output = config.get("output")
    if output is None or output.get("path"):
        return
    for name in output.get("formats", ()):
        if name in _WRITTEN:
            message = tr("output: {format} is written nowhere without a path", format=name)
            example_path = "path: result.json" if name == "json" else "path: report.html"
            advice = tr("write for example {example}", example=example_path)
            found.warn(output.place_of("formats"), f"{message} ({advice})")
            return
