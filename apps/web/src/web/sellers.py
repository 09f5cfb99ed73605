"""Sellers sign in with an OpenID Connect provider."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import httpx

from onair_common.settings import text
from onair_common.sign_in import Account, Flow, Flows


class SignIn(Protocol):
    """Sends a browser to a provider, and reads what it brings back; `onair_common.oidc.Issuer` does."""

    async def begin(self, redirect_uri: str, after: str = "/") -> tuple[str, Flow]:
        """Return where to send the browser, and what it must bring back; raises `SignInError`."""

    async def finish(self, flow: Flow | None, query: Mapping[str, str]) -> Account:
        """Return who signed in; raises `SignInError`."""


@dataclass(frozen=True)
class Sellers:
    """The provider, and what seals a sign-in under way."""

    issuer: SignIn
    flows: Flows

    @classmethod
    def read(cls, http: httpx.AsyncClient, env: Mapping[str, str] = os.environ) -> Sellers | None:
        """Read the provider from the environment; None where none is set: then nobody sells, and all else works.

        Raises
        ------
        SettingError
            When it is set in part.
        """
        if not text("OIDC_ISSUER", "-", env).strip("-"):
            return None
        from onair_common.oidc import Issuer  # noqa: PLC0415  a pod without a provider does without its memory

        return cls(Issuer.read(http, env), Flows.read(env))
