"""Label selectors, and which labels have to go so that none of them picks a pod any more."""

from typing import Any, Iterable

# Names a revision, not an application: taken last.
REVISION_LABELS = {"pod-template-hash", "controller-revision-hash", "pod-template-generation"}


def picks(selector: dict[str, str], labels: dict[str, str]) -> bool:
    """Whether a Service's selector, or that of a ReplicationController, picks an object with these labels."""
    return bool(selector) and all(labels.get(key) == value for key, value in selector.items())


def controls(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    """The same for a selector with `matchLabels` and `matchExpressions`."""
    return all(labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items()) and all(
        _holds(expression, labels) for expression in selector.get("matchExpressions") or []
    )


def _holds(expression: dict[str, Any], labels: dict[str, str]) -> bool:
    value = labels.get(expression["key"])
    values = expression.get("values") or []
    match expression["operator"]:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    return True


def keys(selector: dict[str, Any]) -> set[str]:
    """The labels that such a selector asks to be there."""
    wanted = [e["key"] for e in selector.get("matchExpressions") or [] if e["operator"] in ("In", "Exists")]
    return set(selector.get("matchLabels") or {}) | set(wanted)


def labels_to_remove(selected_by: Iterable[set[str]]) -> list[str]:
    """Few labels, of which each selector loses at least one. The selectors are given as the labels that they ask for."""
    left = [wanted for wanted in selected_by if wanted]
    removed: list[str] = []
    while left:
        # The label that most selectors share; among equals the one that names an application, then the first.
        candidates = sorted(set().union(*left))
        best = min(candidates, key=lambda key: (key in REVISION_LABELS, -sum(key in wanted for wanted in left)))
        removed.append(best)
        left = [wanted for wanted in left if best not in wanted]
    return removed
