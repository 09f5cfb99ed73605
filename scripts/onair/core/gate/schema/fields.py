"""What the API server demands of single fields beyond its published schemas, by definition and property.

Sources: ``pkg/apis/*/validation/validation.go`` of Kubernetes and the fields' own descriptions
(https://kubernetes.io/docs/reference/kubernetes-api/). The property ``""`` adds to the definition itself.
"""

from __future__ import annotations

from onair.core.gate.schema.forms import (
    ADDRESS,
    BASE64,
    CIDR,
    CLUSTER_IP,
    DATA_KEY,
    DNS_1035,
    DNS_LABEL,
    DNS_NAME,
    ENV_NAME,
    HOST_PATTERN,
    LABELS,
    NODE_PORT,
    NOT_NEGATIVE,
    PATH,
    PATH_SEGMENT,
    PERCENT_OR_COUNT,
    PORT,
    PORT_NAME,
    PORT_OR_NAME,
    POSITIVE,
    TEXT,
    Fragment,
    list_of,
    one_of,
)

PROTOCOL = one_of("TCP", "UDP", "SCTP")
SELECTOR_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")
_META, _CORE, _APPS = "io.k8s.apimachinery.pkg.apis.meta.v1.", "io.k8s.api.core.v1.", "io.k8s.api.apps.v1."
_NETWORKING, _AUTOSCALING, _BATCH = "io.k8s.api.networking.v1.", "io.k8s.api.autoscaling.v2.", "io.k8s.api.batch.v1."
_POLICY, _RBAC, _STORAGE = "io.k8s.api.policy.v1.", "io.k8s.api.rbac.v1.", "io.k8s.api.storage.v1."
_ADMISSION = "io.k8s.api.admissionregistration.v1."
_WEIGHT: Fragment = {"type": "integer", "minimum": 1, "maximum": 100}
_NEEDED: Fragment = {"minItems": 1}
_USER: Fragment = {"type": "integer", "minimum": 0, "maximum": 2**31 - 1}
_MODE: Fragment = {"type": "integer", "minimum": 0, "maximum": 0o777}
_ACCESS = list_of(one_of("ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"), minItems=1)
_SPEC: Fragment = {"required": ["spec"]}
_CONTAINER: dict[str, Fragment] = {
    "name": DNS_LABEL,
    "image": {**TEXT, "pattern": r"^\S+$"},
    "imagePullPolicy": one_of("Always", "Never", "IfNotPresent"),
    "terminationMessagePolicy": one_of("File", "FallbackToLogsOnError"),
    "restartPolicy": one_of("Always", "Never", "OnFailure"),
    "": {"required": ["name", "image"]},
}

FIELDS: dict[str, dict[str, Fragment]] = {
    f"{_META}ObjectMeta": {"name": TEXT, "namespace": DNS_LABEL, "labels": LABELS, "annotations": {}},
    f"{_META}LabelSelector": {"matchLabels": LABELS},
    f"{_META}LabelSelectorRequirement": {"operator": one_of(*SELECTOR_OPERATORS)},
    # pods
    f"{_CORE}Container": _CONTAINER,
    f"{_CORE}EphemeralContainer": _CONTAINER,
    f"{_CORE}ContainerPort": {"containerPort": PORT, "hostPort": PORT, "name": PORT_NAME, "protocol": PROTOCOL},
    f"{_CORE}EnvVar": {"name": ENV_NAME},
    f"{_CORE}ConfigMapKeySelector": {"name": DNS_NAME, "key": DATA_KEY, "": {"required": ["key", "name"]}},
    f"{_CORE}SecretKeySelector": {"name": DNS_NAME, "key": DATA_KEY, "": {"required": ["key", "name"]}},
    f"{_CORE}LocalObjectReference": {"name": DNS_NAME},
    f"{_CORE}HTTPGetAction": {"port": PORT_OR_NAME, "path": PATH, "scheme": one_of("HTTP", "HTTPS")},
    f"{_CORE}TCPSocketAction": {"port": PORT_OR_NAME},
    f"{_CORE}GRPCAction": {"port": PORT},
    f"{_CORE}Probe": {
        "initialDelaySeconds": NOT_NEGATIVE,
        "timeoutSeconds": POSITIVE,
        "periodSeconds": POSITIVE,
        "successThreshold": POSITIVE,
        "failureThreshold": POSITIVE,
        "terminationGracePeriodSeconds": POSITIVE,
    },
    f"{_CORE}SleepAction": {"seconds": NOT_NEGATIVE},
    f"{_CORE}PodSpec": {
        "containers": _NEEDED,
        "restartPolicy": one_of("Always", "OnFailure", "Never"),
        "dnsPolicy": one_of("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"),
        "terminationGracePeriodSeconds": NOT_NEGATIVE,
        "activeDeadlineSeconds": POSITIVE,
        "serviceAccountName": DNS_NAME,
        "priorityClassName": DNS_NAME,
        "preemptionPolicy": one_of("PreemptLowerPriority", "Never"),
        "hostname": DNS_LABEL,
        "subdomain": DNS_LABEL,
        "nodeSelector": LABELS,
    },
    f"{_CORE}HostAlias": {"ip": ADDRESS, "hostnames": list_of(DNS_NAME)},
    f"{_CORE}PodSecurityContext": {
        "runAsUser": _USER,
        "runAsGroup": _USER,
        "fsGroup": _USER,
        "fsGroupChangePolicy": one_of("Always", "OnRootMismatch"),
    },
    f"{_CORE}SecurityContext": {"runAsUser": _USER, "runAsGroup": _USER, "procMount": one_of("Default", "Unmasked")},
    f"{_CORE}Capabilities": {
        key: list_of({"type": "string", "pattern": "^(ALL|[A-Z][A-Z_]*)$"}) for key in ("add", "drop")
    },
    f"{_CORE}SeccompProfile": {"type": one_of("RuntimeDefault", "Localhost", "Unconfined")},
    f"{_CORE}AppArmorProfile": {"type": one_of("RuntimeDefault", "Localhost", "Unconfined")},
    f"{_CORE}Toleration": {
        "operator": one_of("Equal", "Exists", "Lt", "Gt"),
        "effect": one_of("NoSchedule", "PreferNoSchedule", "NoExecute", ""),
    },
    f"{_CORE}Taint": {"effect": one_of("NoSchedule", "PreferNoSchedule", "NoExecute")},
    f"{_CORE}TopologySpreadConstraint": {
        "maxSkew": POSITIVE,
        "minDomains": POSITIVE,
        "topologyKey": TEXT,
        "whenUnsatisfiable": one_of("DoNotSchedule", "ScheduleAnyway"),
        "nodeAffinityPolicy": one_of("Honor", "Ignore"),
        "nodeTaintsPolicy": one_of("Honor", "Ignore"),
    },
    f"{_CORE}NodeSelectorRequirement": {"operator": one_of(*SELECTOR_OPERATORS, "Gt", "Lt")},
    f"{_CORE}NodeSelector": {"nodeSelectorTerms": _NEEDED},
    f"{_CORE}PreferredSchedulingTerm": {"weight": _WEIGHT},
    f"{_CORE}WeightedPodAffinityTerm": {"weight": _WEIGHT},
    f"{_CORE}PodAffinityTerm": {"topologyKey": TEXT},
    f"{_CORE}Volume": {"name": DNS_LABEL},
    f"{_CORE}VolumeMount": {
        "mountPath": {**TEXT, "pattern": "^[^:]*$"},
        "mountPropagation": one_of("None", "HostToContainer", "Bidirectional"),
        "subPath": {"type": "string", "pattern": r"^([^/.]|\.[^.]|\.\.[^/])"},
    },
    f"{_CORE}KeyToPath": {"key": DATA_KEY, "mode": _MODE},
    f"{_CORE}ConfigMapVolumeSource": {"defaultMode": _MODE, "": {"required": ["name"]}},
    f"{_CORE}SecretVolumeSource": {"defaultMode": _MODE, "secretName": DNS_NAME, "": {"required": ["secretName"]}},
    f"{_CORE}ProjectedVolumeSource": {"defaultMode": _MODE},
    f"{_CORE}EmptyDirVolumeSource": {"medium": one_of("", "Memory", "HugePages", "HugePages-2Mi", "HugePages-1Gi")},
    f"{_CORE}HostPathVolumeSource": {
        "type": one_of(
            "", "DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket", "CharDevice", "BlockDevice"
        )
    },
    # workloads
    f"{_CORE}Pod": {"": _SPEC},
    f"{_CORE}PodTemplateSpec": {"": _SPEC},
    f"{_APPS}Deployment": {"": _SPEC},
    f"{_APPS}StatefulSet": {"": _SPEC},
    f"{_APPS}DaemonSet": {"": _SPEC},
    f"{_APPS}ReplicaSet": {"": _SPEC},
    f"{_APPS}DeploymentSpec": {
        "replicas": NOT_NEGATIVE,
        "minReadySeconds": NOT_NEGATIVE,
        "progressDeadlineSeconds": POSITIVE,
        "revisionHistoryLimit": NOT_NEGATIVE,
    },
    f"{_APPS}DeploymentStrategy": {"type": one_of("RollingUpdate", "Recreate")},
    f"{_APPS}RollingUpdateDeployment": {"maxSurge": PERCENT_OR_COUNT, "maxUnavailable": PERCENT_OR_COUNT},
    f"{_APPS}RollingUpdateDaemonSet": {"maxSurge": PERCENT_OR_COUNT, "maxUnavailable": PERCENT_OR_COUNT},
    f"{_APPS}DaemonSetUpdateStrategy": {"type": one_of("RollingUpdate", "OnDelete")},
    f"{_APPS}StatefulSetSpec": {
        "replicas": NOT_NEGATIVE,
        "minReadySeconds": NOT_NEGATIVE,
        "podManagementPolicy": one_of("OrderedReady", "Parallel"),
    },
    f"{_APPS}StatefulSetUpdateStrategy": {"type": one_of("RollingUpdate", "OnDelete")},
    f"{_BATCH}Job": {"": _SPEC},
    f"{_BATCH}JobSpec": {
        **dict.fromkeys(("backoffLimit", "completions", "parallelism", "ttlSecondsAfterFinished"), NOT_NEGATIVE),
        "activeDeadlineSeconds": POSITIVE,
        "completionMode": one_of("NonIndexed", "Indexed"),
        "podReplacementPolicy": one_of("TerminatingOrFailed", "Failed"),
    },
    f"{_BATCH}CronJob": {"": _SPEC},
    f"{_BATCH}CronJobSpec": {
        "concurrencyPolicy": one_of("Allow", "Forbid", "Replace"),
        **dict.fromkeys(
            ("failedJobsHistoryLimit", "successfulJobsHistoryLimit", "startingDeadlineSeconds"), NOT_NEGATIVE
        ),
    },
    f"{_AUTOSCALING}HorizontalPodAutoscaler": {"": _SPEC},
    f"{_AUTOSCALING}HorizontalPodAutoscalerSpec": {"minReplicas": NOT_NEGATIVE, "maxReplicas": POSITIVE},
    f"{_AUTOSCALING}MetricSpec": {"type": one_of("ContainerResource", "External", "Object", "Pods", "Resource")},
    f"{_AUTOSCALING}MetricTarget": {
        "type": one_of("Utilization", "Value", "AverageValue"),
        "averageUtilization": POSITIVE,
    },
    f"{_AUTOSCALING}HPAScalingPolicy": {
        "type": one_of("Pods", "Percent"),
        "value": POSITIVE,
        "periodSeconds": {**POSITIVE, "maximum": 1800},
    },
    f"{_AUTOSCALING}HPAScalingRules": {
        "selectPolicy": one_of("Max", "Min", "Disabled"),
        "stabilizationWindowSeconds": {**NOT_NEGATIVE, "maximum": 3600},
    },
    f"{_POLICY}PodDisruptionBudget": {"": _SPEC},
    f"{_POLICY}PodDisruptionBudgetSpec": {
        "minAvailable": PERCENT_OR_COUNT,
        "maxUnavailable": PERCENT_OR_COUNT,
        "unhealthyPodEvictionPolicy": one_of("IfHealthyBudget", "AlwaysAllow"),
    },
    # network
    f"{_CORE}Service": {"": _SPEC},
    f"{_CORE}ServiceSpec": {
        "type": one_of("ClusterIP", "NodePort", "LoadBalancer", "ExternalName"),
        "clusterIP": CLUSTER_IP,
        "clusterIPs": list_of(CLUSTER_IP),
        "externalIPs": list_of(ADDRESS),
        "externalName": DNS_NAME,
        "loadBalancerSourceRanges": list_of(CIDR),
        "externalTrafficPolicy": one_of("Cluster", "Local"),
        "internalTrafficPolicy": one_of("Cluster", "Local"),
        "ipFamilies": list_of(one_of("IPv4", "IPv6")),
        "ipFamilyPolicy": one_of("SingleStack", "PreferDualStack", "RequireDualStack"),
        "sessionAffinity": one_of("ClientIP", "None"),
        "trafficDistribution": one_of("PreferClose", "PreferSameZone", "PreferSameNode"),
        "selector": LABELS,
    },
    f"{_CORE}ServicePort": {
        "port": PORT,
        "nodePort": NODE_PORT,
        "targetPort": PORT_OR_NAME,
        "name": DNS_LABEL,
        "protocol": PROTOCOL,
    },
    f"{_CORE}ClientIPConfig": {"timeoutSeconds": {**POSITIVE, "maximum": 86400}},
    f"{_NETWORKING}NetworkPolicy": {"": _SPEC},
    f"{_NETWORKING}NetworkPolicySpec": {
        "policyTypes": list_of(one_of("Ingress", "Egress")),
        "": {"required": ["podSelector"]},
    },
    f"{_NETWORKING}NetworkPolicyPort": {"port": PORT_OR_NAME, "endPort": PORT, "protocol": PROTOCOL},
    f"{_NETWORKING}IPBlock": {"cidr": CIDR, "except": list_of(CIDR)},
    f"{_NETWORKING}HTTPIngressPath": {"pathType": one_of("Exact", "Prefix", "ImplementationSpecific"), "path": PATH},
    f"{_NETWORKING}IngressRule": {"host": HOST_PATTERN},
    # data and storage
    f"{_CORE}ConfigMap": {
        "data": {"propertyNames": DATA_KEY},
        "binaryData": {"propertyNames": DATA_KEY, "additionalProperties": BASE64},
    },
    f"{_CORE}Secret": {
        "data": {"propertyNames": DATA_KEY, "additionalProperties": BASE64},
        "stringData": {"propertyNames": DATA_KEY},
    },
    f"{_CORE}PersistentVolume": {"": _SPEC},
    f"{_CORE}PersistentVolumeSpec": {
        "accessModes": _ACCESS,
        "persistentVolumeReclaimPolicy": one_of("Retain", "Delete", "Recycle"),
        "volumeMode": one_of("Filesystem", "Block"),
        "": {"required": ["accessModes", "capacity"]},
    },
    f"{_CORE}PersistentVolumeClaim": {"": _SPEC},
    f"{_CORE}PersistentVolumeClaimSpec": {
        "accessModes": _ACCESS,
        "volumeMode": one_of("Filesystem", "Block"),
        "": {"required": ["accessModes", "resources"]},
    },
    f"{_STORAGE}StorageClass": {
        "reclaimPolicy": one_of("Retain", "Delete"),
        "volumeBindingMode": one_of("Immediate", "WaitForFirstConsumer"),
    },
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionSpec": {
        "scope": one_of("Cluster", "Namespaced")
    },
    # access
    f"{_RBAC}RoleRef": {"kind": one_of("Role", "ClusterRole"), "": {"required": ["apiGroup"]}},
    f"{_RBAC}Subject": {"kind": one_of("User", "Group", "ServiceAccount")},
    f"{_RBAC}PolicyRule": {"verbs": _NEEDED},
    f"{_ADMISSION}ValidatingAdmissionPolicySpec": {"failurePolicy": one_of("Fail", "Ignore")},
    f"{_ADMISSION}ValidatingAdmissionPolicyBindingSpec": {
        "validationActions": list_of(one_of("Deny", "Warn", "Audit"), minItems=1, uniqueItems=True),
        "": {"required": ["policyName", "validationActions"]},
    },
}

NAMES: dict[str, Fragment] = {
    "Namespace": DNS_LABEL,
    **dict.fromkeys(("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"), PATH_SEGMENT),
    "Service": DNS_1035,
    # The pods' names and the label controller-revision-hash append up to 11 characters to a StatefulSet's.
    "StatefulSet": {**DNS_LABEL, "maxLength": 52},
    "Job": DNS_LABEL,
    # source: https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ (11 characters are appended)
    "CronJob": {**DNS_NAME, "maxLength": 52},
}
"""What ``metadata.name`` must be, by kind; a DNS name for all others."""
