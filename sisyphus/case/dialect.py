"""All accepted spellings of a case file brought to the one that the model has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sisyphus.case._configuring import CONFIG, config_draft
from sisyphus.case._shapes import as_map, require, texts
from sisyphus.case._stepping import hook_drafts, steps_drafts
from sisyphus.case.draft import Draft, Findings, ignored, spellings, take
from sisyphus.errors import Mark
from sisyphus.words import tr

if TYPE_CHECKING:
    from sisyphus.case.yaml import Map

__all__ = ["case_draft", "config_draft"]

_ROOT: Final = spellings(
    "name",
    "description",
    "tags",
    "enabled",
    "config",
    "steps",
    "setup",
    "teardown",
    "version",
    "author",
    teststeps="steps",
) | ignored("priority", "id", "created_at", "updated_at")


HOOKS: Final = ("setup", "teardown")
"""What is done before and after the steps of a case; it may stand in the case, in its config, in the project file."""


def case_draft(root: Map, found: Findings) -> Draft:
    """A whole case: `config` stays a draft of its own, `steps` is a list of drafts."""
    draft = take(root, _ROOT, tr("a case"), found, elsewhere=_in_config)
    draft["where"] = Mark(*draft.place)
    if draft.get("name") == "":
        draft["name"] = None
    require(draft, "name", tr("a case needs a name"), "name: Log in", found)
    if "tags" in draft:
        draft["tags"] = texts(draft["tags"], draft.place_of("tags"), "tags", found)
    written, place = draft.pop("config", None), draft.place_of("config")
    config = as_map(written, place, "config", found) if written is not None else None
    draft["config"] = config_draft(config, found) if config is not None else Draft(place)
    for key in ("version", "author"):  # which earlier engines took here too
        value, at = draft.pop(key, None), draft.place_of(key)
        if value is not None and key not in draft["config"]:
            draft["config"].put(key, value, at)
    require(draft, "steps", tr("a case needs steps"), "steps: [{name: Log in, url: /login}]", found)
    place = draft.place_of("steps")
    draft["steps"] = steps_drafts(draft.get("steps"), place, "steps", found)
    for key in HOOKS:
        if key in draft:
            draft[key] = hook_drafts(draft[key], draft.place_of(key), key, found)
            if key in draft["config"]:
                found.said_twice(draft["config"].place_of(key), f"config.{key}", key)
    return draft


def _in_config(key: str) -> str | None:
    return tr("it belongs under 'config'") if key in CONFIG else None
