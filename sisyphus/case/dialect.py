"""All accepted spellings of a case file brought to the one that the model has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sisyphus.case._configuring import CONFIG, config_draft
from sisyphus.case._shapes import as_map, each, require, texts
from sisyphus.case._stepping import step_draft
from sisyphus.case.draft import Draft, Findings, ignored, pending, spellings, take
from sisyphus.errors import Mark
from sisyphus.words import tr

if TYPE_CHECKING:
    from sisyphus.case.yaml import Map

__all__ = ["case_draft", "config_draft"]

_ROOT: Final = (
    spellings("name", "description", "tags", "enabled", "config", "steps", teststeps="steps")
    | pending("setup", "teardown")
    | ignored("version", "author", "priority", "id", "created_at", "updated_at")
)


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
    require(draft, "steps", tr("a case needs steps"), "steps: [{name: Log in, url: /login}]", found)
    place = draft.place_of("steps")
    draft["steps"] = each(draft.get("steps"), place, "steps", lambda item, at: step_draft(item, at, found), found)
    return draft


def _in_config(key: str) -> str | None:
    return tr("it belongs under 'config'") if key in CONFIG else None
