"""Installs hrnet_tf and its console command `hrnet`."""

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent
VERSION = re.search(
    r'__version__ = "(.+?)"', (ROOT / "hrnet_tf" / "__init__.py").read_text()
).group(1)

# What every user needs. The tests have passed with TensorFlow 2.20 and 2.21.
REQUIRED = [
    "tensorflow>=2.20,<2.22",
    # Before, heads beside a functional model's graph were no part of its weights:
    # two-stage detectors would be saved without them.
    "keras>=3.15,<3.16",
    # tf.summary writes the events of every training with it; since 2.21 TensorFlow does
    # not bring it.
    "tensorboard>=2.20",
    "matplotlib>=3.8",
    "numpy>=1.26",
    "pillow>=10.3",
    "pycocotools>=2.0.8",
    "scipy>=1.11",
    "safetensors>=0.4.3",
    "requests>=2.31",
    "filelock>=3.12",
    # Checks the types of annotation files; 0.2 MB, and brings nothing else.
    "msgspec>=0.19",
    # Descriptions of the user's own data, as users of YOLO write them.
    "pyyaml>=6",
    "typer>=0.16",
    "rich>=13.7",
]
# Exact releases: a build that stops at warnings is easily stopped by a new one.
DOCS = [
    "mkdocs==1.6.1",
    "mkdocs-material==9.8.2; python_version >= '3.11'",
    "mkdocstrings==1.0.8; python_version >= '3.11'",
    "mkdocstrings-python==2.0.11; python_version >= '3.11'",
    "pymdown-extensions==13.1.2; python_version >= '3.11'",
    # The last ones for Python 3.10.
    "mkdocs-material==9.7.7; python_version < '3.11'",
    "mkdocstrings==1.0.6; python_version < '3.11'",
    "mkdocstrings-python==2.0.9; python_version < '3.11'",
    "pymdown-extensions==11.0.2; python_version < '3.11'",
]
EXTRAS = {
    # OpenCV, as it is installed by pip, writes no H.264.
    "video": ["av>=14"],
    # Files of annotation tools: SLEAP's; tables in HDF5, as DeepLabCut has them; and
    # config.yaml.
    "formats": ["sleap-io>=0.9", "pandas>=2", "tables>=3.9", "pyyaml>=6"],
    # Data sets by names such as tfds:imagenet2012.
    "tfds": ["tensorflow-datasets>=4.9.9"],
    "official": [
        "tf-models-official>=2.20,<2.21",
        # It needs this very one; beside a newer one a resolver would silently fall
        # back to tf-models-official 2.7.
        "tensorflow>=2.20,<2.21",
        # tensorflow-hub, which it imports, needs pkg_resources.
        "setuptools<81",
    ],
    "litert": ["ai-edge-litert>=2.0", "ai-edge-quantizer>=0.6"],
    # NNCF fits whole numbers.
    "openvino": ["openvino>=2025.3", "nncf>=2.18"],
    "onnx": ["tf2onnx>=1.17", "onnx>=1.17", "onnxruntime>=1.20"],
    "jax": ["jax>=0.4.34"],
    # Brings older releases of protobuf, pillow and pyarrow.
    "beam": ["apache-beam>=2.77,<2.78"],
    "hub": [
        "keras-hub>=0.32,<0.33; python_version >= '3.11'",
        # The last one for Python 3.10.
        "keras-hub>=0.25,<0.26; python_version < '3.11'",
    ],
    "kubernetes": ["kubernetes>=31,<38"],
    # `hrnet serve`. FastAPI reads requests with Starlette, uvicorn HTTP with h11.
    "serve": ["fastapi>=0.115", "uvicorn>=0.34", "prometheus-client>=0.20"],
    # TensorFlow Serving's protocol; its releases go with those of TensorFlow.
    "grpc": ["tensorflow-serving-api>=2.20,<2.22", "grpcio>=1.60"],
    "docs": DOCS,
    # The peers of `make bench-train` and of the other benchmarks, and of the operations
    # of detectors.
    "bench": ["torch>=2.4", "torchvision>=0.19", "opencv-python-headless>=4.8"],
    # What files of annotation tools are opened with in `make test-slow`.
    "peers": ["datumaro>=1.10", "label-studio-sdk>=2", "selenium>=4.20"],
    "test": [
        "pytest>=8",
        "pytest-xdist>=3.5",
        "ruff>=0.14,<0.18",
        # config.yaml of DeepLabCut.
        "pyyaml>=6",
        # `make lint`; a later one may see more, and would stop it.
        "mypy>=2.4,<2.5",
        # A client against a server of the tests.
        "kubernetes>=31,<38",
        # The reference of crops and blurs.
        "opencv-python-headless>=4.8",
    ],
}

# The folders of saved_models/ that go with the package; others are the user's own.
STARTERS = ["people_pose", "written_digits"]

setup(
    name="hrnet_tf",
    version=VERSION,
    description="HRNet, the High-Resolution Network, for Keras 3 and TensorFlow",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    # In a checkout the recipes and the starter models are easier to find beside the
    # package than in it.
    packages=[
        *find_packages(include=["hrnet_tf", "hrnet_tf.*"]),
        "hrnet_tf.recipes",
        "hrnet_tf.saved_models",
    ],
    package_dir={
        "hrnet_tf.recipes": "recipes",
        "hrnet_tf.saved_models": "saved_models",
    },
    package_data={
        # py.typed tells type checkers that the annotations are meant for them.
        "hrnet_tf": ["py.typed", "weights/published/*.json"],
        "hrnet_tf.serving.page": ["*.html", "*.css", "*.js"],
        "hrnet_tf.saved_models": [
            f"{name}/{file}"
            for name in STARTERS
            for file in ("manifest.json", "*.tflite", "1/*", "1/*/*")
        ],
    },
    python_requires=">=3.10,<3.14",
    install_requires=REQUIRED,
    extras_require=EXTRAS,
    entry_points={"console_scripts": ["hrnet=hrnet_tf.cli:app"]},
)
