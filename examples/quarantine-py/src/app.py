"""The world `remediation`, filled: what the host calls.

componentize-py looks for one class for each exported interface, by the interface's name. Each call finds the module as
it was when the component was built, so that nothing is kept here.
"""

import json

from wit_world import exports
from wit_world.exports.remediation_actions import ActionAim, ActionPlan, ActionSpec, ChangeNeed, ChangeVerb, Risk, Verdict
from wit_world.imports.types import Effect

import quarantine
from refusals import invalid
from objects import POD

PARAMETERS = {
    "type": "object",
    "required": ["object"],
    "additionalProperties": False,
    "properties": {
        "object": {
            "description": "The pod that crash-loops.",
            "type": "object",
            "required": ["apiVersion", "kind", "namespace", "name"],
            "additionalProperties": False,
            "properties": {
                "apiVersion": {"const": "v1"},
                "kind": {"const": "Pod"},
                "namespace": {"type": "string", "minLength": 1},
                "name": {"type": "string", "minLength": 1},
            },
        },
        "replacement": {
            "description": "What the pod in its place has to be: there, or ready to serve. `exists` where left out.",
            "enum": ["exists", "ready"],
        },
    },
}


class RemediationActions(exports.RemediationActions):
    """One action."""

    def actions(self) -> list[ActionSpec]:
        return [
            ActionSpec(
                name=quarantine.NAME,
                description="Takes a crash-looping pod out of its Services by its labels and leaves it for inspection; "
                "its controller makes another one in its place.",
                parameters=json.dumps(PARAMETERS),
                # The least: a plan without another pod that serves says more.
                risk=Risk.LOW,
                reversible=True,
                effect=Effect.WRITE,
                aim=ActionAim.CONTAIN,
                reads=quarantine.READS,
                changes=[ChangeNeed(verb=ChangeVerb.PATCH, kinds=[POD])],
            )
        ]

    def plan(self, action: str, parameters: str) -> ActionPlan:
        if action != quarantine.NAME:
            raise invalid("unknown-action", f"there is no action `{action}`; there is `{quarantine.NAME}`")
        return quarantine.plan(json.loads(parameters))

    def verify(self, action: str, parameters: str, plan: ActionPlan, applied_at: str) -> Verdict:
        return quarantine.verify(json.loads(parameters))
