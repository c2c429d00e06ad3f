"""Who may do what: a role in each namespace, as the gateway tells it to the services behind it.

The gateway knows who asks; the services know which namespace an object belongs to. So the gateway
hands on what the caller may do everywhere, and each query is limited to what that lets him see.
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
"""What a namespace may be called. It is a folder of the object store, so ``/`` and ``..`` are not
among it."""


class Role(StrEnum):
    """What somebody may do in a namespace; each may do what those before it may."""

    VIEWER = "viewer"
    """See everything in it."""
    EDITOR = "editor"
    """Make, change, run and delete things."""
    ADMIN = "admin"
    """Set its limits."""

    def includes(self, other: Role) -> bool:
        """Whether who has this role may do what `other` may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True, slots=True)
class Access:
    """A caller's role by namespace; ``*`` is every namespace."""

    roles: Mapping[str, Role] = field(default_factory=dict)

    @classmethod
    def everywhere(cls, role: Role = Role.ADMIN) -> Access:
        """The access of somebody who has one role in every namespace."""
        return cls({EVERYWHERE: role})

    @classmethod
    def from_header(cls, text: str) -> Access:
        """Read what `to_header` wrote.

        Raises:
            ValueError: it is not that.
        """
        roles = json.loads(text)
        if not isinstance(roles, dict):
            raise ValueError("an access is an object of roles by namespace")
        return cls({namespace: Role(role) for namespace, role in roles.items()})

    def to_header(self) -> str:
        """The access as the value of a header: ASCII JSON."""
        return json.dumps(dict(self.roles))

    def may(self, role: Role, namespace: str) -> bool:
        """Whether the caller may do what `role` may in a namespace."""
        held = (self.roles.get(namespace), self.roles.get(EVERYWHERE))
        return any(one is not None and one.includes(role) for one in held)

    @property
    def visible(self) -> tuple[str, ...] | None:
        """The namespaces that the caller sees anything of; None is every one."""
        return None if EVERYWHERE in self.roles else tuple(sorted(self.roles))
