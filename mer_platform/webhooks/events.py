"""The events that webhooks report."""

TEST = "webhook.test"  # sent only on request, to one webhook

EVENTS = {
    "run.finished": "A run has finished, and its model is trained if it gets one.",
    "run.failed": "A run has failed.",
    "experiment.finished": "The last run of an experiment has ended: finished, failed or cancelled.",
    "model.stage_changed": "A model has become a candidate, the production model, or archived.",
    "scoring_batch.finished": "All clips of a scoring batch are scored, failed or cancelled.",
}
