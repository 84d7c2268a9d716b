"""How a policy, every figure of which is a judgement, is read from a document and kept."""

from collections.abc import Callable
from functools import lru_cache
from typing import Protocol, TypeVar

from config.kernel.canonical import canonical_json, sha256_of
from config.kernel.documents import Unfit, load, read, written


class Versioned(Protocol):
    """A policy."""

    @property
    def version(self) -> int:
        """The number of its version."""


P = TypeVar("P", bound=Versioned)
Canonical = Callable[[str], tuple[str, str]]


class PolicyMalformed(ValueError):
    """The text is not a policy; the message names the field and its fault."""


def read_policy(
    kind: type[P],
    text: str,
    *,
    require: Callable[[P], None] | None = None,
    refused: type[Exception] = ValueError,
) -> P:
    """Parse a policy; require: raises Unfit where its figures do not go together. Raises PolicyMalformed.

    refused: what a part of the policy raises, beside ValueError, if it is not one.
    """
    try:
        policy = read(kind, load(text))
        if require is not None:
            require(policy)
    except Unfit as error:
        message = f"{'.'.join(error.path[1:]) or 'document'}: {error}"
        raise PolicyMalformed(message) from error
    except (ValueError, refused) as error:
        message = f"document: {error}"
        raise PolicyMalformed(message) from error
    return policy


def forms_of(policy_of: Callable[[str], P]) -> tuple[Canonical, Callable[[str, str], P]]:
    """Return how a document is converted to the form that is stored, with its sha256, and how that is parsed again.

    policy_of: parses a document. Both raise PolicyMalformed.
    """

    def canonical(text: str) -> tuple[str, str]:
        content = canonical_json(written(policy_of(text)))
        return content, sha256_of(content)

    @lru_cache(maxsize=16)
    def parse(text: str, sha256: str) -> P:
        if sha256_of(text) != sha256:
            message = f"document: is not that of the hash {sha256}"
            raise PolicyMalformed(message)
        return policy_of(text)

    return canonical, parse
