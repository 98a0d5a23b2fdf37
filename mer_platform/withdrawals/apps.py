from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_save


class WithdrawalsConfig(AppConfig):
    name = "mer_platform.withdrawals"

    def ready(self) -> None:
        """Note in the activity when a person who was withdrawn is added again."""
        from mer_platform.clips.models import Subject

        post_save.connect(_note_return, sender=Subject, dispatch_uid="note-return-of-withdrawn")


def _note_return(instance: Any, created: bool, **_: Any) -> None:
    if not created:
        return
    from mer_platform.projects.models import AuditEvent
    from mer_platform.withdrawals.recognition import earlier_withdrawals

    for withdrawal in earlier_withdrawals(instance):
        AuditEvent.record(
            instance.database.project,
            None,
            f"noticed a new subject with the name of {withdrawal.pseudonym}, who was withdrawn: check their consent",
        )
