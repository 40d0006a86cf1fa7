"""The action `quarantine`.

A pod leaves its Services when it loses a label that they select by. When its controller selects by the same label, the
pod leaves the controller too, which makes another one in its place. Nothing deletes the pod: it stays as it is, to be
looked at.
"""

import json
from typing import Any, Optional

from wit_world.exports.remediation_actions import (
    ActionPlan,
    Change_Patch,
    Patch,
    PatchType,
    Risk,
    Verdict,
    VerdictState,
)
from wit_world.imports.types import Evidence, ObjectRef

import objects
import labels
from objects import Seen
from refusals import invalid, unfit

NAME = "quarantine"
READS = [
    objects.POD,
    objects.SERVICE,
    objects.ENDPOINT_SLICE,
    objects.REPLICA_SET,
    objects.REPLICATION_CONTROLLER,
]

# On a pod in quarantine: for `kubectl get pods -l sickbay.dev/quarantined`, and what it had before.
LABEL = "sickbay.dev/quarantined"
ANNOTATION = "sickbay.dev/quarantined-from"

# Restarts after which a container that is not ready counts as crash-looping while it is between two crashes.
RESTARTS = 3
POD_FIELDS = ["/metadata/uid", "/metadata/labels", "/metadata/ownerReferences", "/metadata/deletionTimestamp", "/status"]


def plan(parameters: dict[str, Any]) -> ActionPlan:
    """The one patch that takes the pod out of its Services."""
    target = _target(parameters)
    pod = objects.get(target)
    if pod is None:
        raise unfit("no-pod", f"there is no pod `{target.namespace}/{target.name}`")
    shown = f"pod `{target.namespace}/{target.name}`"
    if LABEL in pod.labels:
        raise unfit("already-quarantined", f"{shown} is in quarantine already")
    if pod.at("metadata", "deletionTimestamp"):
        raise unfit("terminating", f"{shown} is being deleted")
    crashing = _crash_loop(pod)
    if crashing is None:
        raise unfit("not-crash-looping", f"no container of {shown} crash-loops")

    services = _services_of(pod, target.namespace)
    if not services:
        raise unfit("no-service", f"no Service of namespace `{target.namespace}` selects {shown}")
    controller = _controller_of(pod, shown)
    removed = _labels(pod, services, controller, shown)

    names = ", ".join(f"`{service.name}`" for service in services)
    before = {
        "labels": {key: pod.labels[key] for key in removed},
        "controller": {key: controller.body[key] for key in ("apiVersion", "kind")} | {"name": controller.name},
    }
    body = {
        "metadata": {
            "labels": {key: None for key in removed} | {LABEL: "true"},
            "annotations": {ANNOTATION: json.dumps(before)},
        }
    }
    others = _pods_of(controller, pod, target.namespace)
    serving = any(_is_ready(other) for other in others)
    return ActionPlan(
        summary=f"{shown} leaves Service {names} and stays for inspection; "
        f"{controller.reference.kind} `{controller.name}` makes another one in its place",
        changes=[Change_Patch(Patch(object=target, type=PatchType.MERGE, subresource=None, body=json.dumps(body)))],
        risk=Risk.LOW if serving else Risk.MEDIUM,
        reversible=True,
        # The pod itself stays as sick as it is.
        verify_objects=[controller.reference] if _has_to_be_ready(parameters) else [],
        evidence=[
            crashing,
            *(service.evidence("spec", "selector") for service in services),
            controller.evidence("spec", "replicas"),
        ],
    )


def verify(parameters: dict[str, Any]) -> Verdict:
    """Whether the pod is out of every Service, still there, and another one is in its place."""
    target = _target(parameters)
    shown = f"pod `{target.namespace}/{target.name}`"
    pod = objects.get(target)
    if pod is None:
        return Verdict(VerdictState.FAILED, f"{shown} is gone, and with it what was to be inspected", [])
    if LABEL not in pod.labels:
        return Verdict(VerdictState.FAILED, f"{shown} is not in quarantine: its labels were set again", [])
    services = _services_of(pod, target.namespace)
    if services:
        names = ", ".join(f"`{service.name}`" for service in services)
        return Verdict(VerdictState.FAILED, f"Service {names} selects {shown} still", [])

    quarantined = pod.evidence("metadata", "labels", LABEL)
    # Whatever version of the kind the cluster serves.
    slices = objects.every("endpointslices.discovery.k8s.io", target.namespace, ["/endpoints/*/targetRef"])
    endpoint = _endpoint(pod, slices.objects)
    if endpoint is not None:
        return Verdict(VerdictState.PROGRESSING, f"{shown} is an endpoint still", [endpoint])
    if not slices.is_complete:
        return Verdict(VerdictState.PROGRESSING, f"the endpoints of namespace `{target.namespace}` can not be read", [])
    return _replaced(pod, _has_to_be_ready(parameters), quarantined)


def _replaced(pod: Seen, has_to_be_ready: bool, quarantined: Evidence) -> Verdict:
    namespace = pod.at("metadata", "namespace")
    controller = _former_controller(pod, namespace)
    if controller is None:
        return Verdict(VerdictState.FAILED, "the controller that had the pod is gone", [quarantined])
    others = _pods_of(controller, pod, namespace)
    wanted = controller.at("spec", "replicas") or 0
    evidence = [quarantined, controller.evidence("spec", "replicas")]
    name = f"{controller.reference.kind} `{controller.name}`"
    if len(others) < wanted:
        return Verdict(VerdictState.PROGRESSING, f"{name} has {len(others)} of {wanted} other pods", evidence)
    crashing = [loop for other in others if (loop := _crash_loop(other)) is not None]
    ready = sum(_is_ready(other) for other in others)
    if has_to_be_ready and ready < wanted:
        state = VerdictState.FAILED if crashing else VerdictState.PROGRESSING
        return Verdict(state, f"{ready} of {wanted} other pods of {name} are ready", evidence + crashing)
    message = f"the pod is out of its Services, and {name} has {len(others)} other pods, {ready} of them ready"
    if crashing:
        message += f"; {len(crashing)} of them crash-loop too, so that the fault is likely in their template"
    return Verdict(VerdictState.HEALTHY, message, evidence + crashing)


def _target(parameters: dict[str, Any]) -> ObjectRef:
    match parameters:
        case {"object": {"apiVersion": "v1", "kind": "Pod", "namespace": str(namespace), "name": str(name)}}:
            return ObjectRef(api_version="v1", kind="Pod", namespace=namespace, name=name)
    raise invalid("not-a-pod", "`object` has to name a pod: apiVersion `v1`, kind `Pod`, namespace and name")


def _has_to_be_ready(parameters: dict[str, Any]) -> bool:
    return parameters.get("replacement") == "ready"


def _crash_loop(pod: Seen) -> Optional[Evidence]:
    """What shows that a container of the pod crash-loops."""
    for group in ("initContainerStatuses", "containerStatuses"):
        for index, status in enumerate(pod.at("status", group) or []):
            place = ("status", group, index)
            if pod.at(*place, "state", "waiting", "reason") == "CrashLoopBackOff":
                return pod.evidence(*place, "state", "waiting", "reason")
            crashed = (pod.at(*place, "lastState", "terminated", "exitCode") or 0) != 0
            if crashed and not status.get("ready") and status.get("restartCount", 0) >= RESTARTS:
                return pod.evidence(*place, "restartCount")
    return None


def _is_ready(pod: Seen) -> bool:
    conditions = pod.at("status", "conditions") or []
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)


def _services_of(pod: Seen, namespace: str) -> list[Seen]:
    """The Services that select the pod. Names only those whose selector is known."""
    listing = objects.every("v1/Service", namespace, ["/spec/selector"])
    if not listing.is_complete:
        raise unfit("unknown-services", f"not all Services of namespace `{namespace}` can be read")
    return [service for service in listing.objects if labels.picks(service.at("spec", "selector"), pod.labels)]


def _controller_of(pod: Seen, shown: str) -> Seen:
    """The controller that makes another pod when this one leaves it."""
    owners = pod.at("metadata", "ownerReferences") or []
    owner = next((owner for owner in owners if owner.get("controller")), None)
    if owner is None:
        raise unfit("no-replacement", f"{shown} has no controller, so that nothing would take its place")
    kind = owner["kind"]
    if f"{owner['apiVersion']}/{kind}" not in (objects.REPLICA_SET, objects.REPLICATION_CONTROLLER):
        raise unfit("no-replacement", f"a {kind} controls {shown}, and makes no other pod while this one is there")
    controller = objects.get(
        ObjectRef(owner["apiVersion"], kind, pod.at("metadata", "namespace"), owner["name"])
    )
    if controller is None or controller.uid != owner.get("uid"):
        raise unfit("no-replacement", f"{kind} `{owner['name']}`, which controls {shown}, is gone")
    if not controller.at("spec", "replicas"):
        raise unfit("no-replacement", f"{kind} `{owner['name']}` is to have no pods, and would make no other one")
    return controller


def _selector(controller: Seen) -> dict[str, Any]:
    selector = controller.at("spec", "selector") or {}
    return selector if controller.reference.kind == "ReplicaSet" else {"matchLabels": selector}


def _labels(pod: Seen, services: list[Seen], controller: Seen, shown: str) -> list[str]:
    """The labels that go."""
    selector = _selector(controller)
    wanted = [set(service.at("spec", "selector")) for service in services] + [labels.keys(selector)]
    removed = labels.labels_to_remove(wanted)
    left = {key: value for key, value in pod.labels.items() if key not in removed} | {LABEL: "true"}
    if labels.controls(selector, left):
        raise unfit("no-replacement", f"{shown} would stay with its controller whatever label it loses")
    return removed


def _pods_of(controller: Seen, besides: Seen, namespace: str) -> list[Seen]:
    """The controller's live pods but one."""
    return [
        pod
        for pod in objects.every("v1/Pod", namespace, POD_FIELDS).objects
        if pod.uid != besides.uid
        and not pod.at("metadata", "deletionTimestamp")
        and any(owner.get("uid") == controller.uid for owner in pod.at("metadata", "ownerReferences") or [])
    ]


def _former_controller(pod: Seen, namespace: str) -> Optional[Seen]:
    """The controller that the annotation names: the pod itself belongs to none any more."""
    match json.loads(pod.at("metadata", "annotations", ANNOTATION) or "{}"):
        case {"controller": {"apiVersion": str(api_version), "kind": str(kind), "name": str(name)}}:
            return objects.get(ObjectRef(api_version, kind, namespace, name))
    return None


def _endpoint(pod: Seen, slices: list[Seen]) -> Optional[Evidence]:
    """Where the pod is an endpoint."""
    for endpoints in slices:
        for index, endpoint in enumerate(endpoints.at("endpoints") or []):
            if (endpoint.get("targetRef") or {}).get("uid") == pod.uid:
                return endpoints.evidence("endpoints", index, "targetRef", "name")
    return None
