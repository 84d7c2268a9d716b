"""Which events of a loan stand, as docs/algorithms/loans.md says it: slow, and apart from the engine."""

from typing import Any

from tests.lending.schedule_model import refuse_if

Case = dict[str, Any]


def standing(events: list[Case]) -> list[Case]:
    known: list[Case] = []
    removed: list[str] = []
    for event in events:
        refuse_if(event["id"] in [other["id"] for other in known], "BAD_EVENT")
        refuse_if(event.get("amount_minor", 1) <= 0, "AMOUNT_NOT_POSITIVE")
        if event["type"] in ("reversal", "bounce"):
            target = [other["type"] for other in known if other["id"] == event["of"]]
            refuse_if(not target, "UNKNOWN_EVENT")
            refuse_if(event["of"] in removed, "ALREADY_REVERSED")
            refuse_if(target[0] in ("reversal", "bounce"), "NOT_REVERSIBLE")
            payment = target[0] in ("repayment", "settlement")
            refuse_if(event["type"] == "bounce" and not payment, "NOT_REVERSIBLE")
            removed.append(event["of"])
        known.append(event)
    bounces = [i for i, event in enumerate(known) if event["type"] == "bounce"]
    known = [{**event, "spares": i < max(bounces, default=0)} for i, event in enumerate(known)]
    left = [event for event in known if event["type"] not in ("reversal", "bounce") and event["id"] not in removed]
    return [event for on in sorted({event["on"] for event in left}) for event in left if event["on"] == on]


def bounced_of(events: list[Case]) -> int:
    """What the payments were worth that the bank took back."""
    amounts = {event["id"]: event.get("amount_minor", 0) for event in events}
    return sum(amounts[event["of"]] for event in events if event["type"] == "bounce")
