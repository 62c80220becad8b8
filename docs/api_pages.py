"""A hook of MkDocs that writes the API reference: a page for each package."""

import ast
import sys
from pathlib import Path

from mkdocs.structure.files import File

ROOT = Path(__file__).parent.parent
PACKAGE = "hrnet_tf"


def on_config(config):
    """Puts the pages behind those of mkdocs.yml."""
    pages = [{name: _page(name)} for name in _packages()]
    config.nav.append({"API reference": pages})
    return config


def on_files(files, config):
    """Adds the pages themselves."""
    for name in _packages():
        files.append(File.generated(config, _page(name), content=_content(name)))
    return files


def _packages():
    """Names of the packages, the topmost first."""
    found = []
    # The command line is told by its own help.
    for init in sorted((ROOT / PACKAGE).rglob("__init__.py")):
        name = ".".join(init.parent.relative_to(ROOT).parts)
        if not name.startswith(f"{PACKAGE}.cli"):
            found.append(name)
    return sorted(found, key=lambda name: (name != PACKAGE, name))


def _modules(package):
    """Names of a package's own modules that are for others, itself among them."""
    folder = ROOT / package.replace(".", "/")
    files = sorted(path for path in folder.glob("*.py") if path.stem[0] != "_")
    names = [f"{package}.{path.stem}" for path in files]
    return [package, *names] if _public_names(package) else names


def _public_names(module):
    """Names of the documented classes and functions that a module defines."""
    path = ROOT / module.replace(".", "/")
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    kinds = (ast.ClassDef, ast.FunctionDef)
    return [
        node.name
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, kinds)
        and not node.name.startswith("_")
        and ast.get_docstring(node)
    ]


def _page(package):
    names = package.split(".")[1:]
    return f"api/{'.'.join(names) or 'index'}.md"


def _content(package):
    """Markdown: the modules' names with links, then what the docstrings say.

    A link to what is not shown stops the strict build.
    """
    lines = [f"# {package}", ""]
    if package == PACKAGE:
        lines += ["The names to import from `hrnet_tf`:", "", *_exports(), ""]
    for module in _modules(package):
        names = _public_names(module)
        links = ", ".join(f"[`{name}`][{module}.{name}]" for name in names)
        lines += [f"- [`{module}`][{module}]{': ' * bool(links)}{links}"]
    lines.append("")
    for module in _modules(package):
        options = "    options: {show_submodules: false}"
        lines += [f"::: {module}", options, ""]
    return "\n".join(lines)


def _exports():
    """A line for each name of the package, with a link to where it is defined."""
    sys.path.insert(0, str(ROOT))
    try:
        import hrnet_tf
    finally:
        sys.path.remove(str(ROOT))
    places = hrnet_tf._EXPORTS
    return [f"- [`{name}`][{place}.{name}]" for name, place in places.items()]
