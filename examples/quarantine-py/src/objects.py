"""Objects of the cluster as dictionaries, each with the observation that it came from."""

import json
from dataclasses import dataclass
from typing import Any, Optional

from componentize_py_types import Err
from wit_world.imports import cluster
from wit_world.imports.cluster import Coverage, ListQuery
from wit_world.imports.types import ErrorKind, Evidence, ObjectRef

POD = "v1/Pod"
SERVICE = "v1/Service"
ENDPOINT_SLICE = "discovery.k8s.io/v1/EndpointSlice"
REPLICA_SET = "apps/v1/ReplicaSet"
REPLICATION_CONTROLLER = "v1/ReplicationController"


@dataclass
class Seen:
    """An object, and where it was seen."""

    observation: str
    body: dict[str, Any]

    def at(self, *steps: Any) -> Any:
        """The value at the end of the steps; none where the way ends before."""
        value: Any = self.body
        for step in steps:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    @property
    def name(self) -> str:
        return self.at("metadata", "name") or ""

    @property
    def uid(self) -> Optional[str]:
        return self.at("metadata", "uid")

    @property
    def labels(self) -> dict[str, str]:
        return self.at("metadata", "labels") or {}

    @property
    def reference(self) -> ObjectRef:
        return ObjectRef(
            api_version=self.body["apiVersion"],
            kind=self.body["kind"],
            namespace=self.at("metadata", "namespace"),
            name=self.name,
        )

    def evidence(self, *steps: Any) -> Evidence:
        """A citation of the value at the end of the steps."""
        pointer = "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)
        return Evidence(self.observation, self.reference, pointer, json.dumps(self.at(*steps)))


@dataclass
class Listing:
    """All objects of a kind in a namespace, as far as they are known."""

    objects: list[Seen]
    is_complete: bool


def get(reference: ObjectRef) -> Optional[Seen]:
    """The object; none where it is not there."""
    try:
        seen = cluster.get(reference)
    except Err as error:
        if error.value.kind == ErrorKind.NOT_FOUND:
            return None
        raise
    return Seen(seen.observation, json.loads(seen.object))


def every(kind: str, namespace: str, fields: list[str]) -> Listing:
    """All objects of a kind in a namespace, with these parts of each; all pages."""
    found: list[Seen] = []
    is_complete = True
    token = None
    while True:
        page = cluster.list(
            ListQuery(
                kind=kind,
                namespaces=[namespace],
                label_selector=None,
                field_selector=None,
                fields=fields,
                limit=0,
                continue_=token,
            )
        )
        found += [Seen(page.observation, json.loads(text)) for text in page.objects]
        is_complete = is_complete and page.coverage == Coverage.COMPLETE
        token = page.continue_
        if token is None:
            return Listing(found, is_complete)
