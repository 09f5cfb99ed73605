"""CEL expressions with the API server's environment.

The API server evaluates a variable when it is first used, and an error in it is an error of the expression that uses
it. Here each expression gets the variables that it uses as nested ``cel.bind``, which is as lazy and keeps every type.
A function that the API server has and this environment has not is an error when the expression is compiled.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from onair.core.gate.policy.model import Named

_TOKEN = re.compile(r"""r?"(?:\\.|[^"\\])*"|r?'(?:\\.|[^'\\])*'|(?<![\w.])variables\.([A-Za-z_]\w*)""")
_NO_KEY = re.compile(r"^NOT_FOUND: Key not found in map : \"(.*)\"$")
_PREFIX = "variables_"
Program = Any
"""A compiled expression of cel-expr-python, which ships no types."""
Activation = Any
"""The values that expressions are evaluated with."""
BOOLEAN, TEXT = "BOOL", "STRING"
_NAMES = ("object", "oldObject", "request", "namespaceObject", "params")


class ExpressionError(ValueError):
    """An expression that does not compile, or could not be evaluated."""


def inline(expression: str, variables: Sequence[Named]) -> str:
    """Return the expression with the variables that it uses bound around it."""
    used: set[str] = set()
    body = _renamed(expression, used)
    binds: list[tuple[str, str]] = []
    for variable in reversed(variables):  # a variable may use those before it
        if variable.name in used:
            binds.append((variable.name, _renamed(variable.expression, used)))
    for name, value in binds:
        body = f"cel.bind({_PREFIX}{name}, {value}, {body})"
    return body


def _renamed(expression: str, used: set[str]) -> str:
    def one(match: re.Match[str]) -> str:
        if match.group(1) is None:  # a string
            return match.group(0)
        used.add(match.group(1))
        return _PREFIX + match.group(1)

    return _TOKEN.sub(one, expression)


class Environment:
    """Compiles and evaluates; each expression is compiled once."""

    def __init__(self) -> None:
        # Imported here: 8 ms that only a run that judges pays.
        from cel_expr_python import cel  # type: ignore[import-untyped]  # noqa: PLC0415
        from cel_expr_python.ext import (  # type: ignore[import-untyped]  # noqa: PLC0415
            ext_bindings,
            ext_optional,
            ext_strings,
        )

        self._error = cel.Type.ERROR
        self._env = cel.NewEnv(
            variables=dict.fromkeys(_NAMES, cel.Type.DYN),
            # The same version of the string library as the API server's (k8s.io/apiserver/pkg/cel/environment).
            extensions=[ext_strings.ExtStrings(2), ext_optional.ExtOptional(), ext_bindings.ExtBindings()],
        )
        self._compiled: dict[tuple[str, Sequence[Named]], Program] = {}

    def compiled(self, expression: str, variables: tuple[Named, ...] = (), *, returns: str) -> Program:
        """Compile an expression.

        Parameters
        ----------
        returns
            :data:`BOOLEAN` or :data:`TEXT`: what it must evaluate to; the API server refuses ``dyn``.

        Raises
        ------
        ExpressionError
            It does not compile, or to another type.
        """
        key = (expression, variables)
        if key not in self._compiled:
            try:
                self._compiled[key] = self._env.compile(inline(expression, variables))
            except RuntimeError as error:
                raise ExpressionError(str(error).split(" [", 1)[0]) from error
        made = self._compiled[key]
        if made.return_type().name() != returns:
            raise ExpressionError(f"must evaluate to {returns} but got {made.return_type().name()}: {expression}")
        return made

    def is_optional(self, expression: str, variables: Sequence[Named]) -> bool:
        """Tell whether an expression gives an optional value; one that does not compile gives none."""
        try:
            made = self._env.compile(inline(expression, variables))
        except RuntimeError:
            return False
        return "optional_type<" in made.return_type().name()

    def activation(self, values: Mapping[str, Any]) -> Activation:
        """Hand over the values once for many expressions; converting them costs more than evaluating."""
        return self._env.Activation({name: values.get(name) for name in _NAMES})

    def evaluate(self, compiled: Program, activation: Activation) -> object:
        """Evaluate to a Python value.

        Raises
        ------
        ExpressionError
            It cannot be evaluated, e.g. because a field is missing.
        """
        try:
            found = compiled.eval(activation)
        except RuntimeError as error:  # a value that CEL does not know, e.g. half of a surrogate pair
            raise ExpressionError(str(error)) from error
        if found.type() == self._error:
            raise ExpressionError(_NO_KEY.sub(r"no such key: \1", str(found.value())))
        value: object = found.plain_value()
        return value
