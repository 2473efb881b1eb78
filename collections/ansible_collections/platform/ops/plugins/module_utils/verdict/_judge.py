# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a merged bump helped, from what is true now and what was seen first when. Pure.

merge -> applied -> analysed, where there is a Canary -> rolled out -> quiet for a while: **fixed**. What stands in the
way for too long is **stalled**, which is looked at again; what shows that the bump did not help is **not fixed**.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from ansible_collections.platform.ops.plugins.module_utils.forge._mark import Mark, Verdict
from ansible_collections.platform.ops.plugins.module_utils.verdict._live import Obstacle, Stage

Change = Mapping[str, Any]
# Bumps that could not run: taken back, as a further step would only be further from what fits.
UNFIT = frozenset({"unschedulable", "denied"})
# Not fixed for another reason than that the step was too small.
HOPELESS = UNFIT | {"rolled_back"}


@dataclass(frozen=True, slots=True)
class Policy:
    """How long to wait for what.

    Attributes:
        watch: how long it has to be quiet after the rollout.
        settle: how long after the rollout an alert does not count yet; containers may be busy when they start.
        stalled_after: after how long without getting on it is called stalled.
        unfit_after: how long pods may wait for a node or for admission before the bump is taken back.
        hand_over_for: how long further alerts are refused once people were asked.
        look_back: how long ago a pull request may have been merged to be looked at.
    """

    watch: timedelta = timedelta(minutes=15)
    settle: timedelta = timedelta(minutes=5)
    stalled_after: timedelta = timedelta(hours=1)
    unfit_after: timedelta = timedelta(minutes=10)
    hand_over_for: timedelta = timedelta(days=7)
    look_back: timedelta = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Alert:
    """A firing alert about the workload. `of` says about which pods: those with the new numbers, others, or all."""

    name: str
    of: Literal["new", "old", "all"]
    container: str | None = None
    resource: str | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What is true now.

    Attributes:
        exists: the workload is there.
        differing: what of the numbers is not in force in its template.
        source: what applies it, as Kustomization flux-system/fleet; empty where nobody says.
        contained: a revision that is applied has the merge in it; None where nobody says.
        trouble: what the source says is wrong.
        canary: the Canary it is under and where its analysis stands.
        canary_at: when that last got on.
        waiting: what the rollout waits for.
        unschedulable, denied: what keeps pods from running.
        kills: containers that were killed for their memory while they ran with the new numbers, and how often.
        alerts: firing ones; None where there is nobody to ask.
    """

    exists: bool = True
    differing: tuple[str, ...] = ()
    source: str = ""
    contained: bool | None = None
    trouble: str = ""
    canary: Stage | None = None
    canary_at: datetime | None = None
    waiting: str = ""
    unschedulable: Obstacle | None = None
    denied: Obstacle | None = None
    kills: Mapping[str, int] = field(default_factory=dict)
    alerts: tuple[Alert, ...] | None = ()


@dataclass(frozen=True, slots=True)
class Ruling:
    """The mark as it shall be, and the verdict in words. `said` is what the cluster said, to be shown as code."""

    mark: Mark
    message: str
    said: str = ""

    @property
    def verdict(self) -> Verdict | None:
        return self.mark.verdict


def judge(
    seen: Seen, mark: Mark, changes: Sequence[Change], policy: Policy, *, merged_at: datetime, now: datetime
) -> Ruling:
    """Return the ruling; without a verdict it is watched on."""
    bare = Mark(applied=mark.applied, rolled=mark.rolled)
    case = _Case(seen, mark, bare, changes, policy, merged_at, now)
    for question in (case.present, case.fits, case.applied, case.analysed, case.bears, case.rolled_out, case.quiet):
        if ruling := question():
            return ruling
    return case.rule("fixed", "resolved", "It runs with the new numbers, the alert is gone, and nothing was killed.")


@dataclass(slots=True)
class _Case:
    """The questions in the order in which they are asked. Each returns a ruling, or None to go on."""

    seen: Seen
    before: Mark
    mark: Mark
    changes: Sequence[Change]
    policy: Policy
    merged_at: datetime
    now: datetime

    def rule(
        self, verdict: Verdict, reason: str, message: str, said: str = "", left: Sequence[str] | None = None
    ) -> Ruling:
        names = () if verdict != "not_fixed" else tuple(self._all() if left is None else left)
        same = (self.before.verdict, self.before.reason) == (verdict, reason)
        at = (self.before.at if same else None) or self.now
        return Ruling(replace(self.mark, verdict=verdict, reason=reason, at=at, left=names), message, said)

    def _all(self) -> list[str]:
        return list(dict.fromkeys(map(subject_of, self.changes)))

    def wait(self, message: str) -> Ruling:
        return Ruling(self.mark, message)

    def late(self, since: datetime, reason: str, message: str, said: str = "") -> Ruling:
        """Stalled if it takes too long by now."""
        if self.now - since < self.policy.stalled_after:
            return self.wait(message)
        return self.rule("stalled", reason, message, said)

    def present(self) -> Ruling | None:
        if self.seen.exists:
            return None
        return self.late(self.merged_at, "gone", "The workload is not in the cluster.")

    def fits(self) -> Ruling | None:
        """Pods that wait for a node or for admission, while the numbers are in force."""
        if self.seen.differing:
            return None
        for reason, found, what in (
            ("denied", self.seen.denied, "The API server refuses to create pods with the new numbers."),
            ("unschedulable", self.seen.unschedulable, "Pods with the new numbers fit on no node."),
        ):
            if found is not None and self.now - found.since >= self.policy.unfit_after:
                self.mark = replace(self.mark, applied=self.mark.applied or self.now)
                return self.rule("not_fixed", reason, what, found.message)
        return None

    def applied(self) -> Ruling | None:
        seen = self.seen
        if not seen.differing and seen.contained is not False:
            self.mark = replace(self.mark, applied=self.mark.applied or self.now)
            return None
        there = f" The cluster has: {'; '.join(seen.differing)}." if seen.differing else ""
        if seen.differing and self.mark.applied:
            return self.rule("superseded", "taken_back", f"The numbers were in force and are not any more.{there}")
        by = seen.source or "whatever applies the repository"
        if seen.contained:
            message = f"{by} has applied the merge, but something else decides the numbers.{there}"
            return self.late(self.merged_at, "overridden", message)
        return self.late(self.merged_at, "not_applied", f"It waits for {by} to apply the merge.{there}", seen.trouble)

    def analysed(self) -> Ruling | None:
        match self.seen.canary:
            case "rolled_back":
                return self.rule("not_fixed", "rolled_back", "Flagger's analysis failed and it was rolled back.")
            case "analysing" | "waiting" as stage:
                what = "is under way" if stage == "analysing" else "has not begun"
                since = max(filter(None, (self.mark.applied, self.seen.canary_at)), default=self.now)
                return self.late(since, "analysis", f"Flagger's analysis of it {what}.")
        return None

    def bears(self) -> Ruling | None:
        """Killed again: no need to wait for anything else."""
        killed = {subject_of(c) for c in self.changes if _of(c, "memory") and c.get("container") in self.seen.kills}
        if not killed:
            return None
        times = sum(self.seen.kills.values())
        return self.rule(
            "not_fixed",
            "killed_again",
            f"With the new limit a container was killed for its memory again ({times} times).",
            left=sorted(killed),
        )

    def rolled_out(self) -> Ruling | None:
        if not self.seen.waiting:
            self.mark = replace(self.mark, rolled=self.mark.rolled or self.now)
            return None
        if self.mark.rolled:  # once was enough: nodes come and go, and so do pods
            return None
        message = "The rollout is not complete."
        return self.late(self.mark.applied or self.now, "rollout", message, self.seen.waiting)

    def quiet(self) -> Ruling | None:
        rolled = self.mark.rolled or self.now
        alerts = self.seen.alerts or ()
        about_new = [alert for alert in alerts if alert.of == "new"]
        if about_new and self.now - rolled >= min(self.policy.settle, self.policy.watch):
            return self._still(about_new)
        until = rolled + self.policy.watch
        if self.now < until:
            return self.wait(f"It is watched until {until:%Y-%m-%d %H:%M:%S} UTC.")
        if self.seen.alerts is None and not all(_of(change, "memory") for change in self.changes):
            message = (
                "It is rolled out and was not killed, but nobody was asked whether the alert is gone: "
                "give the role limit_bump_prometheus."
            )
            return self.rule("stalled", "no_alert_state", message)
        if alerts and self.now < until + self.policy.watch:
            return self.wait("The alert has not resolved yet.")
        about_all = [alert for alert in alerts if alert.of == "all"]
        return self._still(about_all) if about_all else None

    def _still(self, alerts: Sequence[Alert]) -> Ruling:
        names = sorted({alert.name for alert in alerts})
        left = [subject_of(c) for c in self.changes if any(_about(alert, c) for alert in alerts)]
        return self.rule(
            "not_fixed",
            "alert_firing",
            f"It runs with the new numbers and the alert still fires: {', '.join(names)}.",
            left=list(dict.fromkeys(left)) or None,
        )


def subject_of(change: Change) -> str:
    return f"{change.get('container') or 'pod'}/{change['resource']}"


def _of(change: Change, resource: str) -> bool:
    return bool(change["resource"] == resource)


def _about(alert: Alert, change: Change) -> bool:
    return alert.container in (None, change.get("container")) and alert.resource in (None, change["resource"])
