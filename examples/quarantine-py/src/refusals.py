"""Errors as the contract wants them: a kind for the host, a word for programs, a sentence for a person."""

from componentize_py_types import Err
from wit_world.imports.types import Error, ErrorKind


def invalid(code: str, message: str) -> Err:
    """The parameters are wrong."""
    return Err(Error(kind=ErrorKind.INVALID_INPUT, code=code, message=message, retry_after_ms=None))


def unfit(code: str, message: str) -> Err:
    """The parameters are right, and the cluster is not in the state that the action is for."""
    return Err(Error(kind=ErrorKind.CONFLICT, code=code, message=message, retry_after_ms=None))
