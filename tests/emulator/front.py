"""The front: finds out which operation a request is, and answers it itself or lets moto do so."""

from __future__ import annotations

import io
import json
import re
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from moto.core.exceptions import ServiceException
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.serialize import get_serializer_class
from moto.core.utils import get_service_model
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException

ACCOUNT = "123456789012"
Environ = dict[str, Any]
Headers = list[tuple[str, str]]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]
_CREDENTIAL = re.compile(r"Credential=[^/]+/\d+/([^/]*)/([^/]+)/aws4_request")


class Raw(NamedTuple):
    """An answer as it goes over the wire."""

    status: int
    headers: Headers
    body: bytes

    def json(self) -> dict[str, Any]:
        """Return the body as an object."""
        loaded: dict[str, Any] = json.loads(self.body or b"{}")
        return loaded


class Refused(ServiceException):  # type: ignore[misc]
    """An error as AWS answers it."""

    def __init__(self, code: str, message: str = "", status: int | None = None) -> None:
        super().__init__(code, message or code)
        if status is not None:
            self.http_status = status


Refused.__module__ = "front"  # moto takes a module's name for a service's


@dataclass
class Call:
    """One call of an operation."""

    service: str
    operation: str
    region: str
    params: Mapping[str, Any]
    _application: Application
    _environ: Environ
    body: bytes

    def moto(self) -> Raw:
        """Let moto answer, and return its answer."""
        length = {"CONTENT_LENGTH": str(len(self.body))}
        return ask(self._application, {**self._environ, **length, "wsgi.input": io.BytesIO(self.body)})

    def arn(self, rest: str, *, everywhere: bool = False) -> str:
        """Return an ARN of this service in this account."""
        return f"arn:aws:{self.service}:{'' if everywhere else self.region}:{ACCOUNT}:{rest}"

    def store(self, kind: str, *, everywhere: bool = False) -> dict[Any, dict[str, Any]]:
        """Return the objects of this kind in the region, by their ids."""
        return STORE.setdefault((self.service, "" if everywhere else self.region, kind), {})


Answer = Mapping[str, Any] | Raw | None
"""None lets moto answer."""
Handler = Callable[[Call], Answer]
HANDLERS: dict[tuple[str, str], Handler] = {}
STORE: dict[tuple[str, str, str], dict[Any, dict[str, Any]]] = {}
TAGS: dict[str, dict[str, str]] = {}
MISSING: Counter[str] = Counter()
"""Operations that nobody answers; ``/emulator/missing`` lists them."""
_SIGNED: defaultdict[str, list[str]] = defaultdict(list)


def operation(service: str, *names: str) -> Callable[[Handler], Handler]:
    """Register a handler of a service's operations, by botocore's names."""

    def register(handler: Handler) -> Handler:
        for name in names:
            HANDLERS[service, name] = handler
        signed = _SIGNED[get_service_model(service).signing_name]
        if service not in signed:
            signed.append(service)
        return handler

    return register


def ask(application: Application, environ: Environ) -> Raw:
    """Run a WSGI application to its end."""
    started: list[tuple[str, Headers]] = []

    def start(status: str, headers: Headers, *_: object) -> Callable[[bytes], None]:
        started.append((status, headers))
        return lambda _: None

    body = b"".join(application(environ, start))
    status, headers = started[-1]
    return Raw(int(status.split()[0]), headers, body)


class Front:
    """WSGI application around moto's."""

    def __init__(self, application: Application) -> None:
        self._moto = application

    def __call__(self, environ: Environ, start: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        path = environ.get("PATH_INFO", "")
        if path == "/moto-api/reset":
            STORE.clear()
            TAGS.clear()
        if path == "/emulator/missing":
            return _send(start, Raw(200, [("Content-Type", "application/json")], json.dumps(MISSING).encode()))
        signed = _CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
        answer = self._own(environ, body, *signed.groups()) if signed else None
        if answer is None:
            answer = self._of_moto(environ, body, signed[2] if signed else "")
        return _send(start, answer)

    def _own(self, environ: Environ, body: bytes, region: str, signing_name: str) -> Raw | None:
        for service in _SIGNED.get(signing_name, ()):
            request = Request({**environ, "wsgi.input": io.BytesIO(body)})
            try:
                found, in_path = get_service_router(service).match(request)
            except (HTTPException, NotImplementedError, KeyError):
                continue
            handler = HANDLERS.get((service, found.name))
            if handler is None:
                return None
            model = get_service_model(service).operation_model(found.name)
            protocol = determine_request_protocol(get_service_model(service), request.content_type)
            request = Request({**environ, "wsgi.input": io.BytesIO(body)})
            values = (
                MultiDict(parse_qsl(body.decode(), keep_blank_values=True))
                if protocol in ("query", "ec2")
                else request.args
            )
            parsed = PROTOCOL_PARSERS[protocol](model).parse(
                {
                    "method": request.method,
                    "values": values,
                    "headers": request.headers,
                    "body": body,
                    "url_path": request.path,
                    "url_params": in_path,
                }
            )
            call = Call(service, found.name, region, parsed, self._moto, environ, body)
            try:
                answer: Answer | Refused = handler(call)
            except ServiceException as refused:
                answer = refused
            if answer is None or isinstance(answer, Raw):
                return answer
            out = get_serializer_class(service, protocol)(operation_model=model).serialize(answer)
            text = out["body"] or b""
            headers = [(key, str(value)) for key, value in out["headers"].items()]
            return Raw(int(out["status_code"]), headers, text.encode() if isinstance(text, str) else text)
        return None

    def _of_moto(self, environ: Environ, body: bytes, signing_name: str) -> Raw:
        what = environ.get("HTTP_X_AMZ_TARGET") or f"{environ['REQUEST_METHOD']} {environ.get('PATH_INFO')}"
        action = re.search(rb"Action=(\w+)", body[:300])
        what = action[1].decode() if action else what
        try:
            answer = ask(self._moto, {**environ, "wsgi.input": io.BytesIO(body)})
        except NotImplementedError:
            return _missing(signing_name, what, bool(action))
        except AttributeError as error:  # moto's way to say that it does not know a service
            if "has no attribute 'replace'" not in str(error):
                raise
            return _missing(signing_name, what, bool(action))
        if answer.status in (404, 500) and b"<html" in answer.body[:300].lower():
            return _missing(signing_name, what, bool(action))
        return answer


def _missing(signing_name: str, what: str, query: bool) -> Raw:
    """Answer with an error that no client asks again after."""
    MISSING[f"{signing_name}: {what}"] += 1
    text = f"the emulator does not know {signing_name} {what}"
    if signing_name == "ec2":
        xml = f"<Response><Errors><Error><Code>NotEmulated</Code><Message>{text}</Message></Error></Errors></Response>"
        return Raw(400, [("Content-Type", "text/xml")], xml.encode())
    if query or signing_name in ("s3", "cloudfront", "route53"):
        error = f"<Error><Type>Sender</Type><Code>NotEmulated</Code><Message>{text}</Message></Error>"
        xml = f"<ErrorResponse>{error}<RequestId>0</RequestId></ErrorResponse>"
        return Raw(400, [("Content-Type", "text/xml")], xml.encode())
    headers = [("Content-Type", "application/json"), ("x-amzn-errortype", "NotEmulated")]
    return Raw(400, headers, json.dumps({"__type": "NotEmulated", "message": text}).encode())


def _send(start: Callable[..., Any], answer: Raw) -> list[bytes]:
    headers = [(key, value) for key, value in answer.headers if key.lower() != "content-length"]
    if not any(key.lower() == "x-amzn-requestid" for key, _ in headers):
        headers.append(("x-amzn-requestid", str(uuid.uuid4())))
    start(f"{answer.status} Answered", [*headers, ("Content-Length", str(len(answer.body)))])
    return [answer.body]
