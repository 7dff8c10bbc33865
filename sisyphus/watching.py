"""What the command line says about how the run is watched."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from sisyphus.errors import UsageError
from sisyphus.settings import TOKEN_VARIABLE, live_settings
from sisyphus.words import tr

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from sisyphus.case.model import Case
    from sisyphus.live.serving import LiveSettings


def live_options(args: argparse.Namespace, cases: Sequence[Case]) -> LiveSettings | None:
    """What the command line says about watching, over what the cases say; None for no server.

    The token is gone from the arguments and the environment afterwards: templates could read it there, scripts and
    everyone on this machine see it.

    Raises:
        UsageError: no server can be set up so.
    """
    said = {
        "host": args.ws_host,
        "port": args.ws_port,
        "drain": args.ws_drain,
        "linger": args.ws_linger,
        "wait_clients": args.ws_wait_clients,
        "wait_timeout": args.ws_wait_timeout,
        "keep_events": args.ws_keep_events,
        "keep_bytes": args.ws_keep_bytes,
        "origins": args.ws_allow_origin,
        "token": args.ws_token,
        "certificate": None if args.ws_cert is None else Path(args.ws_cert),
        "key": None if args.ws_key is None else Path(args.ws_key),
    }
    if args.ws_key is not None and args.ws_cert is None:
        raise UsageError(tr("--ws-key needs the certificate it belongs to: --ws-cert"))
    asked = args.ws_server or any(said[key] is not None for key in ("host", "port", "wait_clients"))
    settings = live_settings(cases, asked=asked, **said)
    os.environ.pop(TOKEN_VARIABLE, None)
    if args.ws_token is not None:
        from sisyphus.concealing import conceal_argument

        conceal_argument(args.ws_token)
    return settings
