"""How the requests of a step reach their server: what `proxy` and `cert` come to when the step runs."""

from __future__ import annotations

import os.path
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sisyphus.case.model import ClientCert
    from sisyphus.http.proxies import ProxyFor
    from sisyphus.http.tls import Certificate
    from sisyphus.steps.protocol import StepContext

ENVIRONMENT: Final = "env"
"""What `proxy` says for the proxies that the environment names."""


def certificate(cert: ClientCert | None, context: StepContext) -> Certificate | None:
    """The client certificate, its files found; None for none.

    Raises:
        FieldError: there is no such file in the project.
    """
    written = context.render(cert.cert) if cert is not None else None
    if cert is None or not written:
        return None
    from sisyphus.http.tls import Certificate

    key, password = context.render(cert.key), context.render(cert.password)
    return Certificate(
        file=_file(str(written), context),
        key=_file(str(key), context) if key else None,
        password=None if password is None else str(password),
    )


def proxy_for(proxy: str | None, context: StepContext) -> ProxyFor | None:
    """Which proxy a request goes through, by its URL; None for none.

    Raises:
        FieldError: what is written is no proxy.
    """
    written = context.render(proxy)
    if not written:
        return None
    from sisyphus.http import proxies

    if written == ENVIRONMENT:
        return proxies.of_environment(context.environ)
    return proxies.always(str(written))


def _file(written: str, context: StepContext) -> str:
    """A path relative to the case file, or else to the project's folder: certificates serve many cases."""
    root = Path(context.case.root).resolve()
    if not os.path.isfile(Path(context.case.file).parent / written) and os.path.isfile(root / written):  # noqa: PTH113 - never raises
        return str(context.resolve_file(str(root / written)))
    return str(context.resolve_file(written))
