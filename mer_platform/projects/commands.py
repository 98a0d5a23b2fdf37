"""What commands of every app ask for."""

from django.core.management.base import CommandError

from mer_platform.projects.models import Project


def project_of_command(slug: str) -> Project:
    """Return the project with this slug. Raises CommandError if there is none."""
    project = Project.objects.filter(slug=slug).first()
    if project is None:
        raise CommandError(f"Project “{slug}” not found.")
    return project
