"""Whether this process has been asked to end."""

import threading

STOPPING = threading.Event()  # requests that wait for something answer at once when it is set
