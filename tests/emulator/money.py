"""Budgets' subscribers and tags, and Cost Explorer's anomaly monitors."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from emulator.echo import Object, as_list, as_map, given, now, tags
from emulator.front import ACCOUNT, TAGS, Answer, Call, operation

for _noun in ("Monitor", "Subscription"):

    def _register(noun: str) -> None:
        kind, arn_key = noun.lower(), f"{noun}Arn"

        @operation("ce", f"CreateAnomaly{noun}")
        def create(call: Call) -> Answer:
            arn = f"arn:aws:ce::{ACCOUNT}:anomaly{kind}/{uuid.uuid4()}"
            held = {**call.params[f"Anomaly{noun}"], arn_key: arn, "AccountId": ACCOUNT}
            call.store(kind, everywhere=True)[arn] = held
            TAGS[arn] = as_map(call.params.get("ResourceTags"))
            return {arn_key: arn}

        @operation("ce", f"GetAnomaly{noun}s")
        def get(call: Call) -> Answer:
            held = call.store(kind, everywhere=True)
            wanted = call.params.get(f"{arn_key}List") or list(held)
            return {f"Anomaly{noun}s": [each for arn, each in held.items() if arn in wanted]}

        @operation("ce", f"UpdateAnomaly{noun}")
        def update(call: Call) -> Answer:
            call.store(kind, everywhere=True)[call.params[arn_key]].update(given(call.params))
            return {arn_key: call.params[arn_key]}

        @operation("ce", f"DeleteAnomaly{noun}")
        def delete(call: Call) -> Answer:
            call.store(kind, everywhere=True).pop(call.params[arn_key], None)
            return {}

    _register(_noun)
tags("ce", out="ResourceTags")


def _subscribers(call: Call, budget: str) -> Object:
    return call.store("subscribers", everywhere=True).setdefault(budget, {})


def _name(notification: Mapping[str, Any]) -> str:
    kept = {key: value for key, value in given(notification).items() if key != "NotificationState"}
    return json.dumps(kept, sort_keys=True, default=str)


@operation("budgets", "CreateBudget")
def create_budget(call: Call) -> Answer:
    budget = call.params["Budget"]
    TAGS[f"arn:aws:budgets::{ACCOUNT}:budget/{budget['BudgetName']}"] = as_map(call.params.get("ResourceTags"))
    for each in call.params.get("NotificationsWithSubscribers") or []:
        _subscribers(call, budget["BudgetName"])[_name(each["Notification"])] = each["Subscribers"]
    call.store("budget", everywhere=True)[budget["BudgetName"]] = given(budget)
    return None


@operation("budgets", "DescribeBudget")
def describe_budget(call: Call) -> Answer:
    held = call.store("budget", everywhere=True).get(call.params["BudgetName"])
    if held is None:
        return None
    spent = {"ActualSpend": {"Amount": "0", "Unit": "USD"}}
    return {"Budget": {"TimePeriod": {"Start": now(), "End": now()}, "CalculatedSpend": spent, **held}}


@operation("budgets", "DeleteBudget")
def delete_budget(call: Call) -> Answer:
    call.store("budget", everywhere=True).pop(call.params["BudgetName"], None)
    return None


@operation("budgets", "CreateNotification")
def create_notification(call: Call) -> Answer:
    _subscribers(call, call.params["BudgetName"])[_name(call.params["Notification"])] = call.params["Subscribers"]
    return None


@operation("budgets", "DescribeSubscribersForNotification")
def describe_subscribers(call: Call) -> Answer:
    held = _subscribers(call, call.params["BudgetName"])
    return {"Subscribers": held.get(_name(call.params["Notification"]), [])}


@operation("budgets", "ListTagsForResource")
def list_budget_tags(call: Call) -> Answer:
    return {"ResourceTags": as_list(TAGS.get(call.params["ResourceARN"], {}))}
