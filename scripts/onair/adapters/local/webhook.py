"""The git server's ``post-receive`` hook: tells both regions' Argo CD of a push, as GitHub would.

Reads ``webhooks.json`` (written by ``onair up``) in the folder named by its first argument, and the pushed references
on standard input. What it prints reaches the pusher as ``remote:`` lines. A region that cannot be told is no failure:
it polls.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import ssl
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import httpx

TRIES, TIMEOUT_SECONDS = 3, 5.0
PATHS = ("/api/webhook", "/api/applicationset-webhook")


def main() -> None:
    """Notify every region of every pushed reference."""
    settings = json.loads((Path(sys.argv[1]) / "webhooks.json").read_text())
    for line in sys.stdin:
        old, new, reference = line.split()
        if set(new) == {"0"}:
            continue
        body = json.dumps(payload(settings["repository"], old, new, reference)).encode()
        with ThreadPoolExecutor() as pool:
            for message in pool.map(partial(notify, body), settings["regions"]):
                print(message, flush=True)


def payload(repository: str, old: str, new: str, reference: str) -> dict[str, Any]:
    """Return GitHub's push event; ``modified`` feeds Argo CD's ``manifest-generate-paths``."""
    base = old if set(old) != {"0"} else "4b825dc642cb6eb9a060e54bf8d69288fbee4904"  # git's empty tree
    done = subprocess.run(["git", "diff", "--name-only", base, new], capture_output=True, text=True, check=True)
    commits = [{"added": [], "modified": done.stdout.split(), "removed": []}]
    about = {"html_url": repository, "default_branch": "main", "full_name": Path(repository).stem}
    return {"ref": reference, "before": old, "after": new, "repository": about, "commits": commits}


def notify(body: bytes, region: dict[str, Any]) -> str:
    """Post the event to one region's two webhooks; returns the line to show."""
    signature = "sha256=" + hmac.new(region["secret"].encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "Host": region["host"],
        "Content-Type": "application/json",
        "X-GitHub-Event": "push",
        "X-Hub-Signature-256": signature,
    }
    context = ssl.create_default_context(cafile=region["ca"])
    start, error = time.monotonic(), "no address"
    for attempt in range(TRIES):
        address = region["addresses"][attempt % len(region["addresses"])]
        try:
            with httpx.Client(verify=context, timeout=TIMEOUT_SECONDS) as client:
                for path in PATHS:
                    sni = {"sni_hostname": region["host"]}
                    client.post(address + path, content=body, headers=headers, extensions=sni).raise_for_status()
            return f"{region['cluster']}: Argo CD told in {time.monotonic() - start:.2f} s"
        except httpx.HTTPError as failure:
            error = str(failure) or type(failure).__name__
            time.sleep(0.3)
    return f"{region['cluster']}: Argo CD could not be told ({error}); it looks by itself within 3 minutes"


if __name__ == "__main__":
    main()
