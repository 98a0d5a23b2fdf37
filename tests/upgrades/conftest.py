from tests.platform_fixtures import *  # noqa: F403
