"""Settings for the whole run: property tests never fail for being slow, and print how to repeat a failure.

Nothing is kept on disk: every test compiles what it says it does, and the folder of the user stays as it is. Cycles are
collected seldom: programs are kept by what remembers them, and looking through them again and again takes a tenth of
the time.
"""

import gc
import os

from hypothesis import settings

gc.set_threshold(50_000, 20, 50)
os.environ["PUSHFORWARD_CACHE"] = "off"
settings.register_profile("pushforward", deadline=None, print_blob=True)
settings.load_profile("pushforward")
