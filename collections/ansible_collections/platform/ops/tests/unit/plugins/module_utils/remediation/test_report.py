# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import UTC, datetime

from ansible_collections.platform.ops.plugins.module_utils.remediation._report import report

SINCE, UNTIL = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 15, tzinfo=UTC)


def would_open(day, target, *changes):
    return {
        "at": f"2026-01-{day:02}T10:00:00.000Z",
        "decision": "would_open",
        "target": target,
        "changes": [
            {"container": "server", "resource": resource, "field": "limits", "before": before, "after": after}
            for resource, before, after in changes
        ],
    }


def test_a_team_can_decide_on_it():
    records = [
        would_open(2, "shop/Deployment/checkout", ("memory", "256Mi", "384Mi"), ("cpu", "500m", "750m")),
        would_open(3, "shop/Deployment/checkout", ("memory", "256Mi", "512Mi")),
        would_open(4, "shop/Deployment/cart", ("memory", "1Gi", "1536Mi")),
        {"at": "2026-01-05T10:00:00.000Z", "decision": "refused", "reason": "capped", "message": "At its cap | 4Gi."},
        {"at": "2026-01-05T11:00:00.000Z", "decision": "refused", "reason": "invalid_name", "count": 30},
        {"at": "2026-01-05T11:00:00.000Z", "decision": "unchanged", "reason": "sufficient"},
        would_open(20, "shop/Deployment/late", ("memory", "1Gi", "2Gi")),
    ]
    assert report(records, SINCE, UNTIL).splitlines() == [
        "# Remediation from 2026-01-01 to 2026-01-15",
        "",
        "35 decisions: 31 refused, 3 would_open, 1 unchanged.",
        "",
        "## What would have been raised",
        "",
        "| workload | container | number | times | from | to |",
        "|---|---|---|--:|--:|--:|",
        "| shop/Deployment/checkout | server | limits.memory | 2 | 256Mi | 512Mi |",
        "| shop/Deployment/cart | server | limits.memory | 1 | 1Gi | 1536Mi |",
        "| shop/Deployment/checkout | server | limits.cpu | 1 | 500m | 750m |",
        "",
        "Added limits per replica, over all workloads: 768Mi memory, 250m cpu.",
        "",
        "## What was not acted on",
        "",
        "| decision | reason | times | for example |",
        "|---|---|--:|---|",
        "| refused | invalid_name | 30 |  |",
        "| refused | capped | 1 | At its cap \\| 4Gi. |",
    ]


def test_a_quiet_period_says_so():
    assert "decisions: none" in report([], SINCE, UNTIL)
    assert report([], SINCE, UNTIL).count("Nothing.") == 2
