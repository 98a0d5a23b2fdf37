from django.apps import AppConfig
from django.core import checks

from mer_platform.experiments.networks import check_networks


class ExperimentsConfig(AppConfig):
    name = "mer_platform.experiments"

    def ready(self) -> None:
        checks.register(check_networks)
