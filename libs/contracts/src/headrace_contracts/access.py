"""What a caller may do: a role in each namespace, passed by the gateway to the services behind it.

The gateway authenticates the caller; the services know which namespace an object belongs to. So the
gateway passes on the caller's roles, and each service limits its queries to visible namespaces.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

HEADER = "headrace-access"
"""The HTTP header between services that carries an `Access`."""
EVERYWHERE = "*"
NAMESPACE = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"
"""The pattern of namespace names. A namespace is a folder of the object store, so its name contains
no ``/`` and is not ``..``."""


class Role(StrEnum):
    """What a caller may do in a namespace. Each role includes those before it."""

    VIEWER = "viewer"
    """May see everything in the namespace."""
    EDITOR = "editor"
    """May create, change, run and delete objects."""
    ADMIN = "admin"
    """May change the limits of the namespace."""

    def includes(self, other: Role) -> bool:
        """Whether this role permits everything that `other` permits."""
        order = list(Role)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True, slots=True)
class Access:
    """A caller's role by namespace; ``*`` is every namespace."""

    roles: Mapping[str, Role] = field(default_factory=dict)

    @classmethod
    def everywhere(cls, role: Role = Role.ADMIN) -> Access:
        """Access with one role in every namespace."""
        return cls({EVERYWHERE: role})

    @classmethod
    def from_header(cls, text: str) -> Access:
        """Parse the value of the header.

        Raises:
            ValueError: the text is not a JSON object of roles by namespace.
        """
        roles = json.loads(text)
        if not isinstance(roles, dict):
            raise ValueError("expected a JSON object of roles by namespace")
        return cls({namespace: Role(role) for namespace, role in roles.items()})

    def to_header(self) -> str:
        """The value of the header: ASCII JSON."""
        return json.dumps(dict(self.roles))

    def may(self, role: Role, namespace: str) -> bool:
        """Whether the caller has `role`, or one that includes it, in a namespace."""
        roles = (self.roles.get(namespace), self.roles.get(EVERYWHERE))
        return any(one is not None and one.includes(role) for one in roles)

    @property
    def visible(self) -> tuple[str, ...] | None:
        """The namespaces that the caller can see; None is all of them."""
        return None if EVERYWHERE in self.roles else tuple(sorted(self.roles))
