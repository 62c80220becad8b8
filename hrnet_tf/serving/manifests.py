"""Files that run TensorFlow Serving in containers."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from hrnet_tf.serving.kit import KitSettings

_GRPC, _REST = 8500, 8501
_MONITORING = "/monitoring/prometheus/metrics"
# In the images; any that is not root.
_USER = 65532


def server_arguments(batching: bool) -> list[str]:
    """Returns the arguments (list of str) of tensorflow_model_server."""
    found = [
        f"--port={_GRPC}",
        f"--rest_api_port={_REST}",
        "--rest_api_timeout_in_ms=30000",
        "--model_config_file=/config/models.config",
        "--monitoring_config_file=/config/monitoring.config",
        "--enable_model_warmup=true",
    ]
    if batching:
        found += [
            "--enable_batching=true",
            "--batching_parameters_file=/config/batching.config",
        ]
    return found


def dockerfile(names: Sequence[str], base_image: str) -> str:
    """Returns the text of a Dockerfile that puts models and configurations together.

    Args:
        names: sequence of str. Folders of models in the folder that docker is given.
        base_image: str.
    """
    copies = "".join(f"COPY {name} /models/{name}\n" for name in names)
    return (
        f"FROM {base_image}\n"
        "# The folder of the models is what is built in; see --build-context.\n"
        "COPY --from=kit models.config batching.config monitoring.config /config/\n"
        f"{copies}"
        f"USER {_USER}\n"
        'ENTRYPOINT ["tensorflow_model_server"]\n'
    )


def compose(folders: Mapping[str, str], base_image: str, batching: bool) -> str:
    """Returns a compose.yaml, whose server this machine alone reaches.

    Args:
        folders: mapping of a model's name to its folder, as seen from the file's.
        base_image: str.
        batching: bool.
    """
    first = next(iter(folders))
    # The image has neither curl nor wget.
    check = (
        f"exec 3<>/dev/tcp/127.0.0.1/{_REST} && printf 'GET /v1/models/{first}"
        " HTTP/1.0\\r\\n\\r\\n' >&3 && grep -q AVAILABLE <&3"
    )
    service = {
        "image": base_image,
        "entrypoint": ["tensorflow_model_server"],
        "command": server_arguments(batching),
        "user": f"{_USER}:{_USER}",
        "read_only": True,
        "tmpfs": ["/tmp"],
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "ports": [f"127.0.0.1:{port}:{port}" for port in (_GRPC, _REST)],
        "volumes": [
            *(f"{path}:/models/{name}:ro" for name, path in folders.items()),
            *(
                f"./{name}.config:/config/{name}.config:ro"
                for name in ("models", "batching", "monitoring")
            ),
        ],
        "healthcheck": {
            "test": ["CMD", "bash", "-c", check],
            "interval": "10s",
            "timeout": "5s",
            "retries": 3,
            "start_period": "120s",
        },
        "restart": "unless-stopped",
    }
    return _yaml({"services": {"serving": service}})


def kubernetes(names: Sequence[str], settings: "KitSettings", batching: bool) -> str:
    """Returns the manifests of a Deployment, a Service, and what scales and keeps it.

    Args:
        names: sequence of str, of the models.
        settings: `KitSettings`.
        batching: bool.
    """
    labels = {"app.kubernetes.io/name": settings.name}
    fewest, most = settings.replicas
    objects = [
        _deployment(names, settings, batching, labels),
        _object("v1", "Service", settings.name, labels)
        | {
            "spec": {
                "selector": labels,
                "ports": [
                    {"name": "grpc", "port": _GRPC, "targetPort": "grpc"},
                    {"name": "rest", "port": _REST, "targetPort": "rest"},
                ],
            }
        },
        _object("autoscaling/v2", "HorizontalPodAutoscaler", settings.name, labels)
        | {
            "spec": {
                "scaleTargetRef": {
                    "apiVersion": "apps/v1",
                    "kind": "Deployment",
                    "name": settings.name,
                },
                "minReplicas": fewest,
                "maxReplicas": most,
                "metrics": [
                    {
                        "type": "Resource",
                        "resource": {
                            "name": "cpu",
                            "target": {
                                "type": "Utilization",
                                "averageUtilization": 70,
                            },
                        },
                    }
                ],
            }
        },
    ]
    if fewest > 1:
        objects.append(
            _object("policy/v1", "PodDisruptionBudget", settings.name, labels)
            | {"spec": {"minAvailable": 1, "selector": {"matchLabels": labels}}}
        )
    return "---\n".join(map(_yaml, objects))


def _deployment(names, settings, batching, labels):
    # The port opens once all models are loaded and have run their warm-up records.
    status = {"httpGet": {"path": f"/v1/models/{names[0]}", "port": "rest"}}
    size = {"cpu": str(settings.cores), "memory": settings.memory}
    container = {
        "name": "serving",
        "image": settings.image,
        "args": server_arguments(batching),
        "ports": [
            {"name": "grpc", "containerPort": _GRPC},
            {"name": "rest", "containerPort": _REST},
        ],
        "startupProbe": {**status, "periodSeconds": 5, "failureThreshold": 60},
        "readinessProbe": {**status, "periodSeconds": 5, "failureThreshold": 2},
        "livenessProbe": {"tcpSocket": {"port": "grpc"}, "periodSeconds": 10},
        "resources": {"requests": size, "limits": {"memory": settings.memory}},
        # Requests still come while the Service takes the pod out.
        "lifecycle": {"preStop": {"exec": {"command": ["sleep", "5"]}}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
    }
    notes = {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": str(_REST),
        "prometheus.io/path": _MONITORING,
    }
    pod = {
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 45,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    }
    return _object("apps/v1", "Deployment", settings.name, labels) | {
        "spec": {
            "replicas": settings.replicas[0],
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels, "annotations": notes},
                "spec": pod,
            },
        }
    }


def _object(version, kind, name, labels):
    metadata = {"name": name, "labels": labels}
    return {"apiVersion": version, "kind": kind, "metadata": metadata}


class _Dumper(yaml.SafeDumper):
    """Writes equal lists and dicts out, each time."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _yaml(content):
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, width=88)
