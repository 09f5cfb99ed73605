"""``python -m emulator PORT``: serve on the loopback interface until ended."""

import os
import sys

from werkzeug.serving import run_simple

PORT = int(sys.argv[1])
os.environ["MOTO_PORT"] = str(PORT)
os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"

from moto.moto_server.werkzeug_app import (  # noqa: E402 - reads the settings above when it is imported
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)

from emulator import backup, compute, data, edge, keys, money, storage, watch  # noqa: E402, F401 - each registers its operations
from emulator.front import Front  # noqa: E402

application = Front(DomainDispatcherApplication(create_backend_app))
run_simple("127.0.0.1", PORT, application, threaded=True, request_handler=MotoRequestHandler)
