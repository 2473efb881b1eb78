# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verbs that each git host has to speak; what is made of them stands in _http_host.

They raise what their library raises, or RefusalError, and neither retry nor judge.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from ansible_collections.platform.ops.plugins.module_utils.forge._types import (
        CheckState,
        GitLogin,
        MergeMethod,
        NewPullRequest,
        PullRequest,
    )


@dataclass(frozen=True, slots=True)
class Note:
    """A comment as its host shows it."""

    id: int
    author: str
    text: str


class Verbs(ABC):
    EXISTS = frozenset({409})  # statuses that may mean: there is an open one for this branch already
    BRANCH_GONE = frozenset({404})
    PATTERNS = False  # the required checks are globs

    @property
    @abstractmethod
    def name(self) -> str: ...

    @abstractmethod
    def git_login(self) -> GitLogin: ...

    @abstractmethod
    def _fetch(self, number: int) -> PullRequest: ...

    @abstractmethod
    def _of_branch(self, branch: str) -> Iterable[PullRequest]:
        """Those from this branch of this repository, all states, any order."""

    @abstractmethod
    def _open(self) -> Iterable[PullRequest]:
        """Every open one whose branch is in this repository."""

    @abstractmethod
    def _closed(self, since: datetime) -> Iterable[PullRequest]:
        """At least those closed or merged since then whose branch is in this repository."""

    @abstractmethod
    def _post(self, new: NewPullRequest) -> PullRequest: ...

    @abstractmethod
    def _edit(self, current: PullRequest, title: str, body: str, draft: bool) -> None: ...

    @abstractmethod
    def _set_state(self, number: int, state: Literal["open", "closed"]) -> None: ...

    @abstractmethod
    def _labels(self) -> Iterable[tuple[str, int]]:
        """Name and id of the repository's labels."""

    @abstractmethod
    def _make_label(self, name: str) -> int: ...

    @abstractmethod
    def _add_labels(self, number: int, labels: Mapping[str, int]) -> None: ...

    @abstractmethod
    def _drop_label(self, number: int, name: str, id_: int) -> None:
        """Take one off that is there; raises RefusalError 404 where it is not."""

    @abstractmethod
    def _author(self, number: int) -> str:
        """Name of the account that opened it."""

    @abstractmethod
    def _comments(self, number: int) -> Iterable[Note]:
        """Oldest first."""

    @abstractmethod
    def _post_comment(self, number: int, text: str) -> None: ...

    @abstractmethod
    def _edit_comment(self, number: int, id_: int, text: str) -> None: ...

    @abstractmethod
    def _merge(self, current: PullRequest, method: MergeMethod, message: str) -> None: ...

    @abstractmethod
    def _auto_merge(self, current: PullRequest, method: MergeMethod) -> bool: ...

    @abstractmethod
    def _runs(self, pull_request: PullRequest) -> Iterable[tuple[str, CheckState]]: ...

    @abstractmethod
    def _required(self, base: str) -> Sequence[str] | None: ...

    @abstractmethod
    def _asked(self, number: int) -> tuple[set[str], set[str]]:
        """Users and teams whose review is requested."""

    @abstractmethod
    def _ask(self, number: int, users: Sequence[str], teams: Sequence[str]) -> None: ...

    @abstractmethod
    def _delete_branch(self, branch: str) -> None: ...
