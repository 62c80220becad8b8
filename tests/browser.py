"""A real browser without a window, for pages that a server on this machine gives."""

import contextlib
import shutil
import time

import pytest


@contextlib.contextmanager
def chromium(downloads=None):
    """Starts Chromium; the test is skipped where there is none.

    Args:
        downloads: path of the folder for downloads, or None.
    Yields:
        Selenium's driver.
    """
    webdriver = pytest.importorskip(
        "selenium.webdriver", reason="selenium (extra `peers`) is not installed"
    )
    paths = [shutil.which(name) for name in ("chromium", "chromedriver")]
    if None in paths:
        pytest.skip("chromium and chromium-driver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = paths[0]
    for argument in (
        *("headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run"),
        *("disable-background-networking", "disable-component-update"),
        *("disable-sync", "window-size=1200,800"),
        *("use-fake-device-for-media-stream", "use-fake-ui-for-media-stream"),
    ):
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    if downloads is not None:
        settings = {"download.default_directory": str(downloads)}
        options.add_experimental_option("prefs", settings)
    service = webdriver.ChromeService(paths[1])
    driver = webdriver.Chrome(options, service)
    try:
        yield driver
    finally:
        driver.quit()


def wait(ask, seconds=60):
    """Returns what a function returns as soon as that is something."""
    deadline = time.monotonic() + seconds
    while not (found := ask()):
        assert time.monotonic() < deadline, "It did not come."
        time.sleep(0.1)
    return found


def errors_of(driver):
    """Returns what the page's console complained of (list of str)."""
    entries = driver.get_log("browser")
    return [entry["message"] for entry in entries if entry["level"] == "SEVERE"]
