"""JSON Schema, by jsonschema; no schema is ever fetched."""

from __future__ import annotations

from typing import Any

from sisyphus.errors import QueryError
from sisyphus.values._patience import Patience
from sisyphus.values._text import shorten
from sisyphus.words import tr


def test(actual: Any, schema: Any) -> bool | str:
    """Says whether a value fits a schema, or where and why it does not.

    Raises:
        QueryError: the schema is wrong, or refers to one that is not inside it.
    """
    from jsonschema import Draft202012Validator, FormatChecker, SchemaError
    from jsonschema.exceptions import best_match
    from jsonschema.validators import validator_for
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    from sisyphus.values._schema_keywords import bounded, check_patterns

    if not isinstance(schema, dict):
        raise QueryError(tr("a schema is a map, or the path of a JSON file with one"))
    check_patterns(schema)
    try:
        validator_class = bounded(validator_for(schema, default=Draft202012Validator))
        validator_class.check_schema(schema)
        # Our own registry: the default one fetches what `$ref` names from the network.
        validator = validator_class(schema, registry=Registry(), format_checker=FormatChecker())
        with Patience(QueryError):
            error = best_match(validator.iter_errors(actual))
    except SchemaError as wrong:
        raise QueryError(
            tr("the schema is wrong at {path}: {reason}", path=wrong.json_path, reason=shorten(wrong.message))
        ) from wrong
    except Unresolvable as wrong:
        raise QueryError(tr("the schema refers to '{ref}', which is not in it", ref=wrong.ref)) from wrong
    except (RecursionError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as wrong:
        raise QueryError(tr("the schema cannot be applied: {reason}", reason=shorten(str(wrong)))) from wrong
    if error is None:
        return True
    return tr("does not fit the schema at {path}: {reason}", path=error.json_path, reason=shorten(error.message))
