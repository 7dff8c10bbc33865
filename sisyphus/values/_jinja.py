"""What is taken from Jinja2: its parser, its filters and its tests, in a sandbox without attributes.

Evaluation is ours (`_evaluate`), because code that Jinja2 generates looks all names up before the first operator runs
(a lazy variable would be computed, or fail, on the side of an `or` that is never reached), because its undefined
values do not know where a path broke off, and because its sandbox bounds neither time nor memory. Importing this
module imports Jinja2; templates of plain paths never do.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NoReturn

from jinja2 import StrictUndefined, TemplateRuntimeError, TemplateSyntaxError, UndefinedError, nodes
from jinja2.parser import Parser
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing

from sisyphus.errors import StepError, TemplateError, nearest
from sisyphus.values import _limits
from sisyphus.values._lookup import Missing, child
from sisyphus.values._patience import tick
from sisyphus.values._text import shorten, to_json, to_text
from sisyphus.values.functions import FILTERS
from sisyphus.words import tr

# Delimiters that no keyboard types: Unicode calls these code points "not for interchange". Expressions and text reach
# Jinja2's lexer only between them, so that what looks like a delimiter in the text around them is just text.
BLOCK_START: Final = "\ufdd0"
BLOCK_END: Final = "\ufdd1"
VARIABLE_START: Final = "\ufdd2"
VARIABLE_END: Final = "\ufdd3"
COMMENT_START: Final = "\ufdd4"
COMMENT_END: Final = "\ufdd5"
RESERVED: Final = frozenset((BLOCK_START, BLOCK_END, VARIABLE_START, VARIABLE_END, COMMENT_START, COMMENT_END))

# xmlattr and urlize write HTML around values, attr reaches for attributes of Python objects.
_REFUSED_FILTERS: Final = ("xmlattr", "urlize", "attr", "random")

_OPERATORS: Final = re.compile(
    r"""(?P<quoted>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|&&|\|\||!(?!=)|(?<![\w.])(?:AND|OR|NOT)(?!\w)""", re.DOTALL
)
_ENDS_EARLY: Final = re.compile("unexpected 'end of template'|unexpected end of template, .*")
_MISSING: Final = re.compile(r"unexpected end of template, expected '([^\w'])'")
_CHARACTER: Final = re.compile(r"unexpected char '(.)' at \d+")
_CURLY: Final = frozenset("“”‘’「」")
_SPELLED_OUT: Final = {"&&": " and ", "||": " or ", "!": " not "}


class Nothing(StrictUndefined):
    """What a filter gives where there is nothing: no first of an empty list, no such key of one of many maps.

    Jinja2's own raises an error of Jinja2's from whatever is done with it; this one raises ours.
    """

    def __init__(
        self,
        hint: str | None = None,
        obj: Any = missing,
        name: str | None = None,
        exc: type[TemplateRuntimeError] = UndefinedError,
    ) -> None:
        # What is kept as the class of the error is only ever called with its message.
        super().__init__(hint, obj, name, lambda _message: self.missing().error())  # type: ignore[arg-type]

    def missing(self) -> Missing:
        """The same as a look-up would give it; `…` where a filter within a filter gave it."""
        name = self._undefined_name
        return Missing("…" if name is None else to_text(name))


class _Environment(ImmutableSandboxedEnvironment):
    """Filters such as `map(attribute='a.b')` look values up here; they find data and nothing else."""

    def getitem(self, obj: Any, argument: Any) -> Any:
        found = child(obj, argument)
        return self.undefined(obj=obj, name=argument) if type(found) is Missing else found

    def call_filter(
        self,
        name: str,
        value: Any,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        context: Context | None = None,
        eval_ctx: nodes.EvalContext | None = None,
    ) -> Any:
        _count(context)
        return super().call_filter(name, value, args, kwargs, context, eval_ctx)

    def call_test(
        self,
        name: str,
        value: Any,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        context: Context | None = None,
        eval_ctx: nodes.EvalContext | None = None,
    ) -> Any:
        _count(context)
        return super().call_test(name, value, args, kwargs, context, eval_ctx)

    def getattr(self, obj: Any, attribute: str) -> Any:
        return self.getitem(obj, attribute)


def _make_environment() -> _Environment:
    environment = _Environment(
        block_start_string=BLOCK_START,
        block_end_string=BLOCK_END,
        variable_start_string=VARIABLE_START,
        variable_end_string=VARIABLE_END,
        comment_start_string=COMMENT_START,
        comment_end_string=COMMENT_END,
        undefined=Nothing,
        keep_trailing_newline=True,
        cache_size=0,
    )
    environment.globals.clear()
    filters = environment.filters
    for name in _REFUSED_FILTERS:
        del filters[name]
    for name in ("center", "indent", "wordwrap", "truncate", "batch", "slice", "round", "filesizeformat"):
        filters[name] = _limits.with_bounded_width(filters[name], name)
    for name in ("e", "escape", "forceescape"):
        filters[name] = _escape
    filters.update(
        safe=to_text, string=to_text, tojson=_to_json, join=_join, replace=_replace, format=_format, list=_list
    )
    for name, function in FILTERS.items():
        filters.setdefault(name, function)
    return environment


def _escape(value: Any) -> str:
    return html.escape(to_text(value))


def _to_json(value: Any, indent: int | None = None) -> str:
    if indent is not None and not 0 <= indent <= 16:
        raise _limits.too_large("tojson()")
    return to_json(plain(value), indent)


def _join(values: Iterable[Any], d: Any = "", attribute: str | int | None = None) -> str:
    if attribute is not None:
        values = (ENVIRONMENT.getitem(value, attribute) for value in values)
    return _limits.join((plain(value) for value in values), to_text(d))


def _replace(text: Any, old: Any, new: Any, count: int | None = None) -> str:
    return _limits.replace(to_text(text), to_text(old), to_text(new), count)


def _format(text: Any, *args: Any, **options: Any) -> str:
    if args and options:
        raise TemplateError(tr("format: give values by position or by name, not both"))
    return str(_limits.modulo(to_text(text), options or args))


def _list(values: Any) -> list[Any]:
    return list(values)


ENVIRONMENT: Final = _make_environment()


class EvaluationContext(Context):
    """What filters get from us: nothing to see, and a count of their calls in one evaluation."""

    def __init__(self) -> None:
        super().__init__(ENVIRONMENT, {}, None, {})
        self.calls = 0


def _count(context: Context | None) -> None:
    # `map` and `select` call filters for each element, and may be nested.
    tick()
    if isinstance(context, EvaluationContext):
        context.calls += 1
        if context.calls > _limits.MAX_ROUNDS:
            raise _limits.too_large(tr("the number of filter calls"))


def parse_expression(text: str, *, words: bool = False) -> nodes.Expr:
    """Parses one expression.

    Args:
        text: the expression, without delimiters; ``&&``, ``||`` and ``!`` are understood too.
        words: whether ``AND``, ``OR`` and ``NOT`` are operators as well, as they are in conditions.

    Raises:
        TemplateError: it is none.
    """
    if not text.strip():
        raise TemplateError(tr("an expression is empty"))
    if not RESERVED.isdisjoint(text):
        raise TemplateError(tr("an expression contains a character that is not for interchange"))
    spelled = _OPERATORS.sub(lambda match: _spell_out(match, words=words), text)
    try:
        parser = Parser(ENVIRONMENT, spelled, state="variable")
        expression = parser.parse_expression()
        if not parser.stream.eos:
            parser.fail(tr("unexpected '{token}'", token=parser.stream.current.value))
    except TemplateSyntaxError as error:
        raise _syntax_error(error, text) from error
    except (RecursionError, MemoryError, ValueError) as error:  # ValueError: a number of too many digits
        raise TemplateError(tr("'{text}' is nested too deeply", text=shorten(text, 60))) from error
    return expression


def parse_template(source: str) -> nodes.Template:
    """Parses a text with statements, written with the delimiters above."""
    try:
        return ENVIRONMENT.parse(source)
    except TemplateSyntaxError as error:
        raise _syntax_error(error, _readable(error.source or "")) from error
    except (RecursionError, MemoryError, ValueError) as error:
        raise TemplateError(tr("the statements of a template are nested too deeply")) from error


def _spell_out(match: re.Match[str], *, words: bool) -> str:
    token = match.group()
    if match.group("quoted"):
        return token
    return _SPELLED_OUT.get(token) or (token.lower() if words else token)


def _syntax_error(error: TemplateSyntaxError, text: str) -> TemplateError:
    reason = _reason(_readable(error.message or "").rstrip("."))
    return TemplateError(
        tr("'{text}' is not a valid expression: {reason}", text=shorten(text.strip(), 80), reason=reason)
    )


def _reason(said: str) -> str:
    """What Jinja2's parser said, for who knows nothing of its tokens, and in the user's language."""
    if missing := _MISSING.fullmatch(said):
        return tr("'{sign}' is missing at its end", sign=missing[1])
    if _ENDS_EARLY.fullmatch(said):
        return tr("something is missing at its end")
    if character := _CHARACTER.fullmatch(said):
        unexpected = tr("unexpected '{token}'", token=character[1])
        return unexpected + (tr(" (quotes are ' or \" in it)") if character[1] in _CURLY else "")
    assigned = said == tr("unexpected '{token}'", token="=")  # noqa: S106 - no password
    return said + (tr(" (to compare, write ==)") if assigned else "")


def _readable(text: str) -> str:
    return (
        text
        .replace(BLOCK_START, "{%")
        .replace(BLOCK_END, "%}")
        .replace(VARIABLE_START, "{{")
        .replace(VARIABLE_END, "}}")
    )


def check_filter(name: str, kind: str = "filter") -> None:
    """Refuses the name of a filter (or test) that does not exist, with the nearest one that does."""
    known: Mapping[str, Any] = ENVIRONMENT.filters if kind == "filter" else ENVIRONMENT.tests
    if name in known:
        return
    near = nearest(name, known)
    message = (
        tr("there is no filter '{name}'", name=name) if kind == "filter" else tr("there is no test '{name}'", name=name)
    )
    raise TemplateError(message + (tr(" (did you mean '{near}'?)", near=near) if near else ""))


def call_filter(
    name: str, value: Any, args: Sequence[Any], options: Mapping[str, Any], context: EvaluationContext
) -> Any:
    """Applies a filter; its errors become ours, chained, also those of a filter that gives one item after the other."""
    try:
        result = ENVIRONMENT.call_filter(name, value, args, options, context=context)
    except StepError:
        raise
    except Exception as error:  # noqa: BLE001 - a filter may fail in any way on a value it was not made for
        _raise_failed(tr("filter '{name}'", name=name), error)
    return _each_of(name, result) if hasattr(result, "__next__") else result


def _each_of(name: str, items: Iterable[Any]) -> Iterator[Any]:
    try:
        yield from items
    except StepError:
        raise
    except Exception as error:  # noqa: BLE001 - as above
        _raise_failed(tr("filter '{name}'", name=name), error)


def call_test(
    name: str, value: Any, args: Sequence[Any], options: Mapping[str, Any], context: EvaluationContext
) -> bool:
    """Applies a test (`is odd`); its errors become ours, chained."""
    try:
        return bool(ENVIRONMENT.call_test(name, value, args, options, context=context))
    except StepError:
        raise
    except Exception as error:  # noqa: BLE001 - a test may fail in any way on a value it was not made for
        _raise_failed(tr("test '{name}'", name=name), error)


def _raise_failed(what: str, error: Exception) -> NoReturn:
    reason = shorten(str(error) or type(error).__name__)
    raise TemplateError(tr("{what} failed: {reason}", what=what, reason=reason)) from error


def plain(value: Any) -> Any:
    """Turns what filters give (generators, tuples, markup, Jinja2's undefined) into plain data or an error."""
    if isinstance(value, (bool, int, float, type(None))):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Nothing):
        raise value.missing().error()
    if isinstance(value, dict):
        return {key: plain(element) for key, element in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)) or hasattr(value, "__next__"):
        return [plain(element) for element in value]
    return value
