"""Settings for the whole run: property tests never fail for being slow, and print how to repeat a failure."""

from hypothesis import settings

settings.register_profile("pushforward", deadline=None, print_blob=True)
settings.load_profile("pushforward")
