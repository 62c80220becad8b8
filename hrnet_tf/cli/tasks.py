"""Which task a model is for."""

TITLES = {
    "pose": "human pose",
    "landmarks": "face landmarks",
    "segmentation": "segmentation",
    "classification": "classification",
}


def task_of(model, path):
    """Returns the task of a model, a key of `TITLES`.

    Args:
        model: `HRNetModel`, or an exported one of `load_exported`.
        path: path of the model, for messages.
    Raises:
        ValueError: if it has no task, such as a backbone.
    """
    import hrnet_tf
    from hrnet_tf.tasks.classification.inference import ExportedClassification
    from hrnet_tf.tasks.pose.inference import ExportedPose
    from hrnet_tf.tasks.segmentation.inference import ExportedSegmentation

    classes = {
        # Landmarks are a subclass of poses.
        "landmarks": (hrnet_tf.HRNetLandmarks,),
        "pose": (hrnet_tf.HRNetPose, hrnet_tf.SimpleBaselinePose, ExportedPose),
        "segmentation": (
            hrnet_tf.HRNetSegmenter,
            hrnet_tf.HRNetOCRSegmenter,
            ExportedSegmentation,
        ),
        "classification": (hrnet_tf.HRNetClassifier, ExportedClassification),
    }
    for task, kinds in classes.items():
        if isinstance(model, kinds):
            return task
    raise ValueError(
        f"{path} holds a {type(model).__name__}, which is no model of one of these"
        f" tasks: {', '.join(TITLES.values())}."
    )


def check_options(given, allowed, task, path):
    """Raises ValueError for an option that belongs to another task.

    Args:
        given: names of the arguments that the user gave.
        allowed: names of the arguments that the task takes.
        task: str, a key of `TITLES`.
        path: path of the model, for messages.
    """
    for name in given:
        if name not in allowed:
            option = {"list_file": "list", "top_k": "top"}.get(name, name)
            option = option.replace("_", "-")
            raise ValueError(
                f"--{option} does not belong to {TITLES[task]}, which is the task of"
                f" {path}. Leave it out, or pass another model."
            )
