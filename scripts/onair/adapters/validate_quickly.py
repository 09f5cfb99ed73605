"""kubernetes-validate's own command line, in a sixth of the time: ``python -m onair.adapters.validate_quickly``.

It reads and parses its definitions anew for each object, and YAML by Python; here it reads them once, and by libyaml.
What it says is the same.
"""

import functools
import sys

import yaml
from kubernetes_validate import utils  # type: ignore[import-untyped]
from kubernetes_validate.__main__ import main  # type: ignore[import-untyped]

from onair.core.yaml_loader import LOADER

if __name__ == "__main__":
    utils.schema_contents = functools.cache(utils.schema_contents)
    utils.all_versions = functools.cache(utils.all_versions)
    yaml.SafeLoader = LOADER  # type: ignore[misc]
    sys.exit(main())
