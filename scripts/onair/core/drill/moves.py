"""What a drill does to the platform, and what must be seen: the parts of its file that name things of a cluster."""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

Part = TypeVar("Part", bound="Strict")
Seconds = Annotated[float, Field(gt=0, le=900)]


class Strict(BaseModel):
    """A part of a drill's file; an unknown key is a fault."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Pods(Strict):
    """The pods of a service in a cluster."""

    cluster: str
    service: str
    namespace: str = "shop"

    def __str__(self) -> str:
        return f"{self.service} in {self.cluster}"


class NodeOf(Strict):
    """A node of a cluster."""

    cluster: str
    node: str


class ClusterOf(Strict):
    """A cluster."""

    cluster: str

    def __str__(self) -> str:
        return self.cluster


class Scaled(Pods):
    """A Deployment at a number of replicas that git does not have."""

    replicas: Annotated[int, Field(ge=0, le=10)] = 0


class Fault(Strict):
    """One thing that is done to the platform; exactly one key.

    Attributes
    ----------
    kill
        A pod: its process ends without a word, then the pod is deleted.
    cut
        Links, by name (``edge:local-kr``).
    stop
        Supervised services, by the beginning of their ids (``local-kr.kube-apiserver``), killed and kept down.
    powerOff
        A node: its link is cut and all that runs on it is killed, as when its power fails.
    drain
        A node, as before maintenance.
    scale
        A Deployment.
    outOfMemory
        A pod of a service: more is taken in its container than it may have, and the kernel ends the service's process.
    destroy
        A whole region: links, processes, its control plane's store and all its volumes; what comes back comes from git.
    launch
        A region that is not there is made, from git.
    """

    kill: Pods | None = None
    cut: Annotated[list[str], Field(min_length=1)] | None = None
    stop: Annotated[list[str], Field(min_length=1)] | None = None
    powerOff: NodeOf | None = None
    drain: NodeOf | None = None
    scale: Scaled | None = None
    outOfMemory: Pods | None = None
    destroy: ClusterOf | None = None
    launch: ClusterOf | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        return _single(self)

    def __str__(self) -> str:
        words = {
            "kill": f"kill a pod of {self.kill}",
            "cut": f"cut {', '.join(self.cut or ())}",
            "stop": f"stop {', '.join(self.stop or ())}",
            "powerOff": f"power off {self.powerOff and self.powerOff.node}",
            "drain": f"drain {self.drain and self.drain.node}",
            "scale": f"scale {self.scale} to {self.scale and self.scale.replicas}",
            "outOfMemory": f"memory runs out in a pod of {self.outOfMemory}",
            "destroy": f"destroy {self.destroy}",
            "launch": f"launch {self.launch}",
        }
        return next(text for name, text in words.items() if getattr(self, name) is not None)

    def of(self, language: str) -> str:
        """Return what is done in ``en`` or ``ko``."""
        if language != "ko":
            return str(self)
        scaled = self.scale
        words = {
            "kill": f"{self.kill} 파드 하나를 죽임",
            "cut": f"링크 끊음: {', '.join(self.cut or ())}",
            "stop": f"멈춤: {', '.join(self.stop or ())}",
            "powerOff": f"{self.powerOff and self.powerOff.node} 전원 차단",
            "drain": f"{self.drain and self.drain.node} 비우기",
            "scale": f"{scaled} 복제본을 {scaled and scaled.replicas}개로",
            "outOfMemory": f"{self.outOfMemory} 파드의 메모리 고갈",
            "destroy": f"{self.destroy} 파괴",
            "launch": f"{self.launch} 개시",
        }
        return next(text for name, text in words.items() if getattr(self, name) is not None)


class Serves(Strict):
    """Viewers of a region get their pages from ``by``."""

    viewers: str
    by: str


class Ready(Pods):
    """So many pods of a service are Ready, those on the node ``but`` not counted.

    Attributes
    ----------
    pods
        None: as many as its Rollout wants. Two would be there without a new pod where use had made three of them.
    """

    pods: Annotated[int | None, Field(ge=0, le=20)] = None
    but: str = ""


class NodeReady(NodeOf):
    """A node is Ready, or is not."""

    ready: bool


class Ended(Pods):
    """A container of a service's pods was ended for this reason, and another took its place."""

    reason: Literal["OOMKilled", "Error", "Completed"]


class Expectation(Strict):
    """What must be seen ``within`` so many seconds; exactly one other key."""

    within: Seconds
    serves: Serves | None = None
    ready: Ready | None = None
    node: NodeReady | None = None
    ended: Ended | None = None
    well: Literal[True] | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        return _single(self, "within")

    def __str__(self) -> str:
        if self.serves:
            return f"viewers of {self.serves.viewers} are served by {self.serves.by}"
        if self.ready:
            place = f" off {self.ready.but}" if self.ready.but else ""
            count = "all" if self.ready.pods is None else self.ready.pods
            return f"{count} pods of {self.ready} are Ready{place}"
        if self.node:
            return f"{self.node.node} is {'' if self.node.ready else 'not '}Ready"
        if self.ended:
            return f"a container of {self.ended} was ended: {self.ended.reason}"
        return "all is well"

    def of(self, language: str) -> str:
        """Return what is seen in ``en`` or ``ko``."""
        if language != "ko":
            return str(self)
        if self.serves:
            return f"{self.serves.viewers} 시청자에게 {self.serves.by} 리전이 응답"
        if self.ready:
            place = f", {self.ready.but} 제외" if self.ready.but else ""
            count = "전부" if self.ready.pods is None else f"{self.ready.pods}개"
            return f"{self.ready} 파드 {count} 준비{place}"
        if self.node:
            return f"{self.node.node} {'준비됨' if self.node.ready else '준비 안 됨'}"
        if self.ended:
            return f"{self.ended} 컨테이너 종료: {self.ended.reason}"
        return "모두 정상"


def _single(model: Part, *others: str) -> Part:
    keys = [name for name in type(model).model_fields if name not in others]
    given = [name for name in keys if getattr(model, name) is not None]
    if len(given) != 1:
        raise ValueError(f"exactly one of {', '.join(keys)} belongs here; there are {len(given)}")
    return model
