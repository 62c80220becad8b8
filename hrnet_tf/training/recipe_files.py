"""Recipe files: those that come with the package, their variants, and users' own.

A recipe file defines `recipe(...) -> Recipe`. One of the package's has also `VARIANTS`,
a dict from names to dicts of what differs, with the published result of each. It is
written out as literals, so that it can be read without running the file, which would
import TensorFlow.
"""

import ast
import dataclasses
import difflib
import inspect
import runpy
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from hrnet_tf.typing import PathLike

if TYPE_CHECKING:
    from hrnet_tf.training.recipe import Recipe


_PACKAGE = Path(__file__).parents[1]
# Installed they are part of the package; a checkout has them beside it.
_FOLDERS = (_PACKAGE / "recipes", _PACKAGE.parent / "recipes")


@dataclasses.dataclass(frozen=True)
class RecipeFile:
    """What a recipe file says of itself.

    Attributes:
        name: str. The file's name without its ending.
        path: Path.
        docstring: str.
        variants: dict from names to dicts; empty where the file has none.
        default: str or None. The variant that is taken where none is named.
        arguments: tuple of str. What its function takes.
    """

    name: str
    path: Path
    docstring: str
    variants: dict
    default: str | None
    arguments: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """The first line of the docstring, without the full stop."""
        return self.docstring.partition("\n")[0].rstrip(".")


def read_recipe_file(path: PathLike) -> RecipeFile:
    """Reads what a recipe file says of itself, without running it.

    Args:
        path: str or Path of a Python file.
    Returns:
        `RecipeFile`.
    Raises:
        ValueError: if its variants are not written out.
    """
    path = Path(path)
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    variants, default = {}, None
    arguments: tuple[str, ...] = ()
    for node in tree.body:
        if isinstance(node, ast.Assign) and _names(node.targets) == ["VARIANTS"]:
            variants = _literal(node.value, path)
        elif isinstance(node, ast.FunctionDef) and node.name == "recipe":
            named, defaults = node.args.args, node.args.defaults
            arguments = tuple(a.arg for a in (*named, *node.args.kwonlyargs))
            # The last arguments have the defaults.
            named = named[len(named) - len(defaults) :]
            values = {a.arg: value for a, value in zip(named, defaults, strict=True)}
            if "variant" in values:
                default = ast.literal_eval(values["variant"])
    return RecipeFile(
        name=path.stem,
        path=path,
        docstring=ast.get_docstring(tree) or "",
        variants=variants,
        default=default,
        arguments=arguments,
    )


def _names(targets):
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _literal(node, path):
    try:
        return ast.literal_eval(node)
    except ValueError:
        raise ValueError(
            f"VARIANTS of {path} cannot be read without running it. Expected a dict of"
            " dicts, written out as literals: numbers, texts, tuples."
        ) from None


def package_recipes() -> dict[str, RecipeFile]:
    """Returns the recipes that come with the package.

    Returns:
        dict from names, such as "coco_pose", to `RecipeFile`, sorted.
    Raises:
        ValueError: if they are not there.
    """
    for folder in _FOLDERS:
        # Another package may have left a folder of this name beside ours.
        if (folder / "coco_pose.py").is_file():
            files = map(read_recipe_file, sorted(folder.glob("*.py")))
            return {file.name: file for file in files}
    raise ValueError(
        f"The recipes of hrnet_tf are not in {_FOLDERS[0]}, nor in {_FOLDERS[1]}."
        " Install the package again."
    )


def find_recipe(name: PathLike) -> tuple[Path, str | None]:
    """Finds a recipe file by its path, or one of the package's by its name.

    Args:
        name: str or Path. A Python file, or the name of a recipe: "coco_pose", which
            has its default variant; "coco_pose/w48_384x288"; or, as files were named
            that held one variant each, "coco_pose_w48_384x288". With or without the
            folder recipes/ before it and .py behind it.
    Returns:
        The file's Path, and the variant's name or None.
    Raises:
        ValueError: if there is none; it lists those that there are.
    """
    path = Path(name)
    if path.is_file():
        return path, None
    if path.parent.is_file():
        return path.parent, path.name
    parts = list(path.with_suffix("").parts if path.suffix == ".py" else path.parts)
    while "recipes" in parts[:-1]:
        parts = parts[parts.index("recipes") + 1 :]
    files = package_recipes()
    spellings: dict[tuple[str, ...], tuple[Path, str | None]] = {}
    for file in files.values():
        spellings[(file.name,)] = file.path, None
        for variant, own in file.variants.items():
            found = file.path, variant
            spellings[(file.name, variant)] = found
            spellings[(f"{file.name}_{variant}",)] = found
            spellings.update({(old,): found for old in own.get("old_names", ())})
    if tuple(parts) in spellings:
        return spellings[tuple(parts)]
    if len(parts) == 2 and parts[0] in files:
        choose_variant(files[parts[0]].variants, parts[1])
    nearest = _nearest("/".join(parts), map("/".join, spellings))
    raise ValueError(
        f"There is no recipe file {name}, and no recipe of that name.{nearest}"
        f" The recipes are: {', '.join(files)}. `hrnet recipes` lists their variants."
    )


def _nearest(name, names):
    """A sentence with the most similar name, or nothing."""
    found = difflib.get_close_matches(name, list(names), 1)
    return f" Did you mean {found[0]}?" if found else ""


def choose_variant(
    variants: Mapping[str, Any],
    name: str,
    defaults: dict[str, Any] | None = None,
    **given: Any,
) -> SimpleNamespace:
    """Returns the settings of a variant, with those that are given in their place.

    Args:
        variants: dict from names to dicts, a recipe file's `VARIANTS`.
        name: str.
        defaults: dict of the settings that not every variant has, or None.
        **given: the arguments of the recipe's function; None means the variant's own.
    Returns:
        Namespace with all of them as attributes.
    Raises:
        ValueError: if there is no such variant.
    """
    if name not in variants:
        raise ValueError(
            f"There is no variant {name!r}.{_nearest(str(name), variants)} The recipe"
            f" has: {', '.join(variants)}."
        )
    given = {key: value for key, value in given.items() if value is not None}
    return types.SimpleNamespace(**{**(defaults or {}), **variants[name], **given})


def load_recipe(
    name: PathLike, say: Callable[..., Any] | None = None, **arguments: Any
) -> "Recipe":
    """Runs a recipe file and calls its `recipe` function.

    Args:
        name: str or Path, see `find_recipe`.
        say: callable of a str, or None. Is told which variant is taken where there are
            several and none was named.
        **arguments: passed on; None means the recipe's default.
    Returns:
        `Recipe`. Where it does not say what batch its learning rate is stated for, that
        is the batch size of the variant, or the default of the function's `batch_size`.
    Raises:
        ValueError: if the recipe or its variant is absent, the file defines no recipe,
            or the recipe has no such argument.
    """
    path, variant = find_recipe(name)
    module = runpy.run_path(str(path))
    function = module.get("recipe")
    if function is None:
        raise ValueError(
            f"{path} defines no function `recipe`. Expected one that returns a Recipe,"
            " as the files in recipes/ do."
        )
    arguments = {key: value for key, value in arguments.items() if value is not None}
    if variant is not None and arguments.setdefault("variant", variant) != variant:
        raise ValueError(
            f"Two variants are asked for: {name} and variant={arguments['variant']}."
            " Name one."
        )
    known = inspect.signature(function).parameters
    unknown = sorted(set(arguments) - set(known))
    if unknown:
        raise ValueError(
            f"{path} takes no argument {', '.join(unknown)}."
            f" It takes: {', '.join(known)}."
        )
    defaults = {key: known[key].default for key in known}
    variants = module.get("VARIANTS", {}) if "variant" in known else {}
    chosen = arguments.get("variant", defaults.get("variant"))
    others = [other for other in variants if other != chosen]
    if say is not None and others and "variant" not in arguments:
        say(
            f"{path.stem}: the variant {chosen}, its default; others:"
            f" {', '.join(others)}"
        )
    recipe = function(**arguments)
    batch_size = {**defaults, **variants.get(chosen, {})}.get("batch_size")
    # Tells a Recipe, which is defined in a module that imports this one.
    if getattr(recipe, "reference_batch_size", batch_size) is None:
        if isinstance(batch_size, int):
            recipe = dataclasses.replace(recipe, reference_batch_size=batch_size)
    return recipe
