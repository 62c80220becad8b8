"""Code of the package that is deprecated fails tests, other code does not."""

import warnings

import pytest


@pytest.mark.parametrize("kind", [DeprecationWarning, FutureWarning])
def test_of_a_test_is_an_error(kind):
    with pytest.raises(kind, match="old"):
        warnings.warn("old", kind, stacklevel=1)


@pytest.mark.parametrize("kind", [DeprecationWarning, FutureWarning])
@pytest.mark.parametrize("module", ["hrnet_tf", "hrnet_tf.layers.fusion", "<run_path>"])
def test_of_the_package_is_an_error(kind, module):
    with pytest.raises(kind, match="old"):
        warnings.warn_explicit("old", kind, f"{module}.py", 1, module=module)


@pytest.mark.parametrize("kind", [DeprecationWarning, FutureWarning])
@pytest.mark.parametrize("module", ["keras.src.ops", "numpy", "not_hrnet_tf"])
def test_of_libraries_is_none(kind, module):
    with warnings.catch_warnings(record=True) as caught:
        warnings.warn_explicit("old", kind, f"{module}.py", 1, module=module)
    assert not caught
