from django.contrib.auth import views as auth
from django.urls import include, path
from rest_framework.routers import DefaultRouter

from mer_platform.annotation.agreement.api import ProjectAgreement
from mer_platform.annotation.assignments.api import AssignmentViewSet
from mer_platform.annotation.coding.api import AnnotationViewSet, ConsensusViewSet, ProjectQueue
from mer_platform.annotation.exchange.api import AnnotationImportViewSet
from mer_platform.clips.api import ClipViewSet
from mer_platform.composites.composite_api import CompositeViewSet
from mer_platform.deletion.api import (
    DeletableClipViewSet,
    DeletableDatabaseViewSet,
    DeletableFlowPictureViewSet,
    DeletableProjectViewSet,
)
from mer_platform.deletion.batches import DeletableScoringBatchViewSet
from mer_platform.deletion.model_api import DeletableModelViewSet
from mer_platform.deletion.run_api import DeletableExperimentViewSet, DeletableRunViewSet
from mer_platform.deletion.version_api import DeletableVersionViewSet
from mer_platform.experiments.attribution.api import AttributionViewSet, RunAttributions
from mer_platform.experiments.comparison.api import CompareRuns
from mer_platform.experiments.external.api import ExternalRunsOfVersion, PredictionTemplate
from mer_platform.experiments.gallery.api import RunErrors
from mer_platform.experiments.leaderboard.api import Leaderboard, RunBaseline, SavedViewViewSet
from mer_platform.experiments.managing.api import TagViewSet
from mer_platform.experiments.runs.api import RunConfigSchema
from mer_platform.exports.api import FeatureExportViewSet
from mer_platform.exports.bundle_api import PaperBundleViewSet
from mer_platform.imports.api import DatabaseImportViewSet
from mer_platform.imports.folder_api import ImportFolderViewSet
from mer_platform.pages import ApiDocs, PasswordChange, error_kinds, health
from mer_platform.projects.workers_api import WorkerViewSet
from mer_platform.readiness import healthz, readyz
from mer_platform.rest.schema.views import SchemaView
from mer_platform.uploads.api import UploadViewSet
from mer_platform.webhooks.api import WebhookViewSet
from mer_platform.withdrawals.api import WithdrawableSubjectViewSet, WithdrawalViewSet

router = DefaultRouter()
router.include_format_suffixes = False  # “clips.json/”: no view takes them
router.register("projects", DeletableProjectViewSet)
router.register("databases", DeletableDatabaseViewSet)
router.register("subjects", WithdrawableSubjectViewSet)
router.register("withdrawals", WithdrawalViewSet)
router.register("uploads", UploadViewSet)
router.register("clips", DeletableClipViewSet)
router.register("flow-pictures", DeletableFlowPictureViewSet, basename="flow-picture")
router.register("imports", DatabaseImportViewSet)
router.register("import-folders", ImportFolderViewSet, basename="import-folder")
router.register("annotations", AnnotationViewSet)
router.register("annotation-imports", AnnotationImportViewSet, basename="annotation-import")
router.register("consensus", ConsensusViewSet)
router.register("assignments", AssignmentViewSet)
router.register("composites", CompositeViewSet)
router.register("composite-versions", DeletableVersionViewSet)
router.register("runs", DeletableRunViewSet)
router.register("experiments", DeletableExperimentViewSet)
router.register("tags", TagViewSet)
router.register("saved-views", SavedViewViewSet)
router.register("attributions", AttributionViewSet, basename="attribution")
router.register("webhooks", WebhookViewSet, basename="webhook-api")
router.register("workers", WorkerViewSet)
router.register("models", DeletableModelViewSet)
router.register("scoring-batches", DeletableScoringBatchViewSet)
router.register("paper-bundles", PaperBundleViewSet, basename="paper-bundle")
router.register("feature-exports", FeatureExportViewSet, basename="feature-export")

urlpatterns = [
    path("", include("mer_platform.overview.urls")),
    path("", include("mer_platform.accounts.urls")),
    path("", include("mer_platform.projects.urls")),
    path("", include("mer_platform.webhooks.urls")),
    path("", include("mer_platform.clips.urls")),
    path("", include("mer_platform.deletion.urls")),
    path("", include("mer_platform.withdrawals.urls")),
    path("", include("mer_platform.imports.urls")),
    path("", include("mer_platform.annotation.urls")),
    path("", include("mer_platform.composites.urls")),
    path("", include("mer_platform.features.urls")),
    path("", include("mer_platform.experiments.urls")),
    path("", include("mer_platform.registry.urls")),
    path("", include("mer_platform.scoring.urls")),
    path("", include("mer_platform.exports.urls")),
    path("", include("mer_platform.annotation.exchange.urls")),
    path("", include("mer_platform.operation.urls")),
    path("sign-in/", auth.LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("sign-out/", auth.LogoutView.as_view(), name="logout"),
    path("password/", PasswordChange.as_view(), name="password_change"),
    path("api/v1/run-config-schema/", RunConfigSchema.as_view(), name="run-config-schema"),
    path("api/v1/clips/<int:pk>/frames.bin", ClipViewSet.as_view({"get": "pack"}), name="clip-pack"),
    path("api/v1/projects/<int:pk>/agreement/", ProjectAgreement.as_view(), name="project-agreement"),
    path("api/v1/projects/<int:pk>/queue/", ProjectQueue.as_view(), name="project-queue"),
    path("api/v1/projects/<int:pk>/leaderboard/", Leaderboard.as_view(), name="leaderboard-api"),
    path("api/v1/runs/<int:pk>/baseline/", RunBaseline.as_view(), name="run-baseline"),
    path("api/v1/runs/compare/", CompareRuns.as_view(), name="compare-runs-api"),
    path("api/v1/runs/<int:pk>/errors/", RunErrors.as_view(), name="run-errors"),
    path("api/v1/runs/<int:pk>/attributions/", RunAttributions.as_view(), name="run-attributions"),
    path(
        "api/v1/composite-versions/<int:pk>/external-runs/",
        ExternalRunsOfVersion.as_view(),
        name="external-runs-api",
    ),
    path(
        "api/v1/composite-versions/<int:pk>/external-runs/template/",
        PredictionTemplate.as_view(),
        name="external-template-api",
    ),
    path("api/v1/", include(router.urls)),
    path("api/schema/", SchemaView.as_view(), name="schema"),
    path("api/errors/", error_kinds, name="error-kinds"),
    path("api/errors/<slug:code>/", error_kinds, name="error-kind"),
    path("api/docs/", ApiDocs.as_view(url_name="schema"), name="api-docs"),
    path("health/", health, name="health"),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
]

handler404 = "mer_platform.rest.errors.page_not_found"
handler500 = "mer_platform.rest.outages.server_error"
