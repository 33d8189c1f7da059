"""JupyterHub for a class on one server; README.md beside this says how to use it.

Learners have accounts of the system, and each one's server and kernels run as that account: what
keeps them apart is what keeps any two users of a Linux machine apart, and the lines below that
close what Jupyter leaves open by default. `tests/deploy/try_hub.py` tries to break in.
"""

import os
import pwd
import sys
from pathlib import Path
from typing import Any

c = get_config()  # noqa: F821
COMMANDS = Path(sys.executable).parent
DATA = Path("/srv/gan-lessons/data")  # MNIST's four files, of root, readable by all
MEMORY = "2000000000"  # bytes that a process may have for itself
PROCESSES = "500"  # and threads, of one learner


def home(spawner: Any) -> Path:
    """A learner's home folder."""
    return Path(pwd.getpwnam(spawner.user.name).pw_dir)


os.umask(0o077)  # the hub's secrets, and all that learners make, are for their owners alone
c.Spawner.pre_spawn_hook = lambda spawner: home(spawner).chmod(0o700)

c.JupyterHub.authenticator_class = "pam"
c.PAMAuthenticator.allowed_groups = {"learners"}

# Over TCP, the default, any account can listen to what a kernel prints. Sockets in a folder cannot
# be reached; their paths end at 107 characters, so that folder lies not deep.
c.Spawner.args = ["--KernelManager.transport=ipc"]
c.Spawner.environment = {
    "JUPYTER_RUNTIME_DIR": lambda spawner: str(home(spawner) / ".run"),
    "OMP_NUM_THREADS": "1",
}
if DATA.is_dir():
    c.Spawner.environment["GAN_LESSONS_DATA"] = str(DATA)

limits = ["prlimit", f"--data={MEMORY}", f"--nproc={PROCESSES}"]
c.Spawner.cmd = [*limits, str(COMMANDS / "jupyterhub-singleuser")]
c.Spawner.start_timeout = c.Spawner.http_timeout = 120  # seconds; a whole class starts at once
c.Spawner.notebook_dir = "~"
c.Spawner.default_url = "/lab"
c.JupyterHub.concurrent_spawn_limit = 10

# A server that was idle for an hour ends, and its kernels with it. Files stay.
c.JupyterHub.load_roles = [
    {
        "name": "cull",
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
        "services": ["cull"],
    }
]
c.JupyterHub.services = [
    {
        "name": "cull",
        "command": [sys.executable, "-m", "jupyterhub_idle_culler", "--timeout=3600"],
    }
]
