"""Who may use which address: one line per route, by name. A route without a line fails a test.

Each method is followed by the least role that may use it:

- ``anyone``: also without signing in; ``user``: everyone who has signed in; else a role in the project
- ``=annotator``: only this member, to whom the row belongs
- ``?``: after access was granted, the answer may be 404, because the row or file of the test does not have what is asked for

``name=row`` says which row of the test's project a variable of the address stands for. By default ``pk`` is the row of the
model of the view, and ``slug`` the project.
"""

TABLE = """
# Accounts and the platform
home                            GET user  POST user
sign-in                         GET anyone  POST anyone  PUT anyone
sign-out                        POST anyone
password_change                 GET user  POST user  PUT user
health                          GET anyone  POST anyone  PUT anyone  PATCH anyone  DELETE anyone
metrics                         GET anyone?
healthz                         GET anyone
readyz                          GET anyone
schema                          GET anyone
api-docs                        GET anyone
api-root                        GET user
error-kinds                     GET anyone  POST anyone  PUT anyone  PATCH anyone  DELETE anyone
error-kind                      GET anyone  POST anyone  PUT anyone  PATCH anyone  DELETE anyone  code=text:not_found
sessions                        GET user  POST user
tokens                          GET user  POST user
token-delete                    POST =owner  pk=token
me                              GET user  PATCH user
me-token-list                   GET user  POST user
me-token-detail                 GET =owner  DELETE =owner  pk=token
worker-list                     GET user
run-config-schema               GET user

# Projects and members
project                         GET viewer
activity                        GET viewer
members                         GET viewer  POST owner
member-role                     POST owner  pk=membership
project-delete                  GET owner  POST owner
project-list                    GET viewer  POST user
project-detail                  GET viewer  PATCH owner  DELETE owner
project-deletion                GET owner
project-member-list             GET viewer  POST owner  project_pk=project
project-member-detail           GET viewer  PATCH owner  DELETE owner  project_pk=project  pk=membership
webhooks                        GET researcher  POST owner
webhook                         GET researcher  POST owner  pk=webhook
webhook-action                  POST owner  pk=webhook  action=text:pause
webhook-delivery                GET researcher  pk=webhook  number=delivery
webhook-replay                  POST researcher  pk=webhook  number=delivery
webhook-api-list                GET researcher  POST owner
webhook-api-detail              GET researcher  PATCH owner  DELETE owner
webhook-api-deliveries          GET researcher
webhook-api-delivery            GET researcher  delivery=delivery
webhook-api-replay              POST researcher  delivery=delivery
webhook-api-rotate-secret       POST owner
webhook-api-test                POST researcher

# Clips, databases, uploads and imports
pictures                        GET researcher
upload                          GET researcher
clip-rate                       POST researcher  pk=clip
turn-clip                       POST researcher  pk=clip
database-new                    GET researcher  POST researcher
database                        GET researcher  POST researcher  pk=database
clip-delete                     GET researcher  POST researcher  pk=clip
subject-delete                  GET researcher  POST researcher  pk=subject
database-delete                 GET researcher  POST researcher  pk=database
database-list                   GET viewer  POST researcher
database-detail                 GET viewer  PUT researcher  PATCH researcher  DELETE researcher
database-deletion               GET researcher
subject-list                    GET viewer
subject-detail                  GET viewer  DELETE researcher
subject-deletion                GET researcher
administration-storage          GET =administrator
subject-withdraw                GET owner  POST owner  pk=subject
subject-withdrawal              GET owner  POST owner
withdrawals                     GET researcher
withdrawal                      GET researcher  pk=withdrawal
withdrawal-list                 GET researcher
withdrawal-detail               GET researcher
upload-list                     GET researcher  POST researcher
upload-detail                   GET =owner  PATCH =owner  DELETE =owner
clip-list                       GET viewer  POST researcher
clip-detail                     GET viewer  PATCH researcher  DELETE researcher
clip-deletion                   GET researcher
clip-flow                       GET annotator
clip-frames                     GET viewer
clip-pack                       GET viewer
clip-thumbnail                  GET viewer
clip-turn                       POST researcher
flow-picture-list               GET researcher
flow-picture-detail             GET researcher  DELETE researcher
flow-picture-deletion           GET researcher
flow-picture-file               GET researcher?
imports                         GET researcher
import-new                      GET researcher  POST researcher
import-folders                  GET researcher
import                          GET researcher  pk=import
import-problem-rows             GET researcher  pk=import
import-report                   GET researcher?  pk=import
choose-import-columns           GET researcher?  POST researcher?  pk=import
import-column-map-file          GET researcher?  pk=import
confirm-import                  POST researcher  pk=import
cancel-import                   POST researcher  pk=import
administration                  GET =administrator  POST =administrator
installation                    GET =administrator  PATCH =administrator
administration-folders          GET =administrator  POST =administrator
administration-folder-withdraw  POST =administrator  pk=importfolder
import-folder-list              GET =administrator,researcher  POST =administrator
import-folder-detail            GET =administrator,researcher  DELETE =administrator
import-list                     GET researcher  POST researcher
import-detail                   GET researcher
import-cancel                   POST researcher
import-columns                  GET researcher?
import-confirm                  POST researcher
import-items                    GET researcher
import-problem-groups           GET researcher
import-problems                 GET researcher

# Labels
clips                           GET viewer
spot                            POST researcher
clip                            GET viewer  pk=clip
adopt                           POST researcher  pk=clip  annotation=annotation
reopen                          POST annotator?  pk=clip
adjudicate                      GET researcher  POST researcher  pk=clip
queue                           GET annotator
coding                          GET annotator
assign                          GET researcher  POST researcher
withdraw                        POST researcher  coder=annotator
agreement                       GET researcher
agreement-figure                GET researcher?
agreement-csv                   GET researcher
judge                           GET researcher
clip-suggestions                GET annotator  pk=clip
project-spot                    GET annotator  POST researcher  pk=project
project-agreement               GET researcher  pk=project
project-queue                   GET annotator  pk=project
annotation-list                 GET viewer  POST annotator
annotation-bulk                 POST annotator
annotation-detail               GET =annotator,researcher  PATCH =annotator  DELETE =annotator
annotation-adopt                POST researcher
annotation-restore              POST =annotator?
annotation-versions             GET =annotator,researcher
annotation-import-list          GET researcher  POST researcher
annotation-import-detail        GET researcher  DELETE researcher
annotation-import-confirm       POST researcher
annotation-import-recheck       POST researcher
annotation-import-undo          POST researcher
consensus-list                  GET viewer
consensus-detail                GET researcher
assignment-list                 GET annotator  POST researcher
assignment-done                 POST annotator
assignment-reopen               POST annotator
assignment-detail               GET =annotator,researcher  DELETE researcher
annotation-exchange             GET researcher  POST researcher
annotation-export               GET researcher
annotation-file                 GET researcher  pk=annotationimport
annotation-file-problems        GET researcher  pk=annotationimport
annotation-file-confirm         POST researcher  pk=annotationimport
annotation-file-choose          POST researcher  pk=annotationimport
annotation-file-columns         GET researcher?  POST researcher?  pk=annotationimport
annotation-file-column-map      GET researcher?  pk=annotationimport
annotation-file-compare         POST researcher  pk=annotationimport
annotation-file-undo            POST researcher  pk=annotationimport
annotation-file-discard         POST researcher  pk=annotationimport
annotations-csv                 GET researcher  pk=project
annotations-parquet             GET researcher  pk=project
annotations-casme2.csv          GET researcher  pk=project
annotations-casme2.xlsx         GET researcher  pk=project
annotations-samm.csv            GET researcher  pk=project
annotations-samm.xlsx           GET researcher  pk=project
annotations-eaf.zip             GET researcher  pk=project
annotations-label-studio.json   GET researcher  pk=project
annotations-json                GET researcher  pk=project

# Composites and features
composites                      GET viewer
composite-new                   GET researcher  POST researcher
composite-import                GET researcher  POST researcher
version                         GET viewer  pk=compositeversion
version-diff                    GET researcher?  pk=compositeversion
version-json                    GET researcher  pk=compositeversion
version-export                  GET researcher  POST researcher  pk=compositeversion
version-edit                    GET researcher  POST researcher  pk=compositeversion
version-delete                  GET researcher  POST researcher  pk=compositeversion
composite-list                  GET viewer
composite-detail                GET viewer  PATCH researcher
compositeversion-list           GET viewer  POST researcher
compositeversion-import-document  POST researcher
compositeversion-detail         GET viewer  DELETE researcher
compositeversion-deletion       GET researcher
compositeversion-check          GET researcher
compositeversion-diff           GET researcher
compositeversion-export         GET researcher
compositeversion-samples        GET researcher
samples-csv                     GET researcher  pk=compositeversion
samples-parquet                 GET researcher  pk=compositeversion
features                        GET researcher  POST researcher  pk=compositeversion
feature-sample                  GET researcher?  pk=compositeversion  set_pk=featureset  index=text:0
feature-picture                 GET researcher?  pk=compositeversion  set_pk=featureset  index=text:0  part=text:u
feature-sets                    GET researcher  POST researcher  version=compositeversion
feature-set                     GET researcher  version=compositeversion  pk=featureset
feature-set-sample              GET researcher?  version=compositeversion  pk=featureset  index=text:0
feature-set-picture             GET researcher?  version=compositeversion  pk=featureset  index=text:0  part=text:u
feature-export-list             GET researcher  POST researcher
feature-export-detail           GET researcher
feature-export-file             GET researcher?

# Experiments and runs
experiments                     GET viewer
experiment                      GET viewer  pk=experiment
experiment-folds                GET viewer  pk=experiment
experiment-fold                 GET viewer?  pk=experiment  run=run  index=text:0
experiment-answer               GET viewer  pk=experiment
effects-of-experiment           GET viewer  pk=experiment
runs-of-experiment              GET viewer  pk=experiment
experiment-failed               GET viewer  pk=experiment
experiment-workers              GET viewer  pk=experiment
experiment-figure               GET viewer?  pk=experiment  name=text:ranking
add-seeds                       POST researcher  pk=experiment
pause-experiment                POST researcher  pk=experiment
resume-experiment               POST researcher  pk=experiment
cancel-experiment               POST researcher  pk=experiment
rerun-failed-experiment         POST researcher  pk=experiment
experiment-delete               GET researcher  POST researcher  pk=experiment
experiments-delete              POST researcher
manage-experiments              POST researcher?
manage-experiment               POST researcher?  pk=experiment
experiment-name                 GET researcher  POST researcher  pk=experiment
experiment-tags                 GET researcher  POST researcher  pk=experiment
experiment-note                 GET researcher  POST researcher  pk=experiment
experiment-list                 GET viewer  POST researcher
experiment-bulk                 POST researcher
experiment-delete-many          POST researcher
experiment-deletion-of-many     GET researcher
experiment-estimate             POST viewer
experiment-detail               GET viewer  PATCH researcher  DELETE researcher
experiment-add-seeds            POST researcher
experiment-cancel               POST researcher
experiment-deletion             GET researcher
experiment-effects              GET viewer
experiment-pause                POST researcher
experiment-ranking              GET viewer
experiment-rerun-failed         POST researcher
experiment-resume               POST researcher
runs                            GET viewer
runs-table                      GET viewer
run                             GET viewer  pk=run
figure                          GET viewer?  pk=run  name=text:confusion
run-new                         GET researcher  POST researcher
cancel-run                      POST researcher  pk=run
rerun-run                       POST researcher  pk=run
train-model                     POST researcher  pk=run
pin-run                         POST researcher  pk=run
unpin-run                       POST researcher  pk=run
save-view                       POST researcher
change-view                     POST researcher  pk=savedview
run-delete                      GET researcher  POST researcher  pk=run
runs-delete                     POST researcher
manage-runs                     POST researcher?
manage-run                      POST researcher?  pk=run
run-name                        GET researcher  POST researcher  pk=run
run-tags                        GET researcher  POST researcher  pk=run
run-note                        GET researcher  POST researcher  pk=run
tags                            GET viewer  POST researcher?
gallery                         GET researcher
gallery-images                  POST researcher?
gallery-image                   GET researcher?  set_pk=featureset  index=text:0  part=text:u
gallery-sample                  GET researcher?  index=text:0
attribution                     GET viewer  pk=run
start-attribution               POST researcher  pk=run
cancel-attribution              POST researcher  pk=run
attribution-figure              GET viewer?  pk=run  name=text:mean
external-new                    GET researcher  POST researcher  pk=compositeversion
external-template               GET researcher  pk=compositeversion
external-upload                 GET researcher  pk=predictionupload
external-problems               GET researcher  pk=predictionupload
external-confirm                POST researcher  pk=predictionupload
external-discard                POST researcher  pk=predictionupload
external-runs-api               POST researcher  pk=compositeversion
external-template-api           GET researcher  pk=compositeversion
compare-runs                    GET viewer
compare-disagreements           GET researcher?
compare-figure                  GET viewer?  name=text:scores
compare-table                   GET viewer?  name=text:scores
run-report                      GET viewer  pk=run
run-table                       GET viewer?  pk=run  name=text:scores
run-list                        GET viewer  POST researcher
run-bulk                        POST researcher
run-delete-many                 POST researcher
run-deletion-of-many            GET researcher
run-detail                      GET viewer  PATCH researcher  DELETE researcher
run-cancel                      POST researcher
run-curves                      GET viewer
run-deletion                    GET researcher
run-folds                       GET viewer
run-predictions                 GET researcher
run-rerun                       POST researcher
run-train-model                 POST researcher
run-baseline                    PUT researcher  DELETE researcher  pk=run
run-errors                      GET researcher  pk=run
run-attributions                GET viewer  POST researcher  pk=run
compare-runs-api                GET viewer
leaderboard-api                 GET viewer  pk=project
predictions-csv                 GET researcher  pk=run
predictions-parquet             GET researcher  pk=run
compared-predictions-csv        GET researcher
compared-predictions-parquet    GET researcher
tag-list                        GET viewer
tag-detail                      GET viewer  PATCH researcher  DELETE researcher
tag-merge                       POST researcher
savedview-list                  GET viewer  POST researcher
savedview-detail                GET viewer  PATCH researcher  DELETE researcher
attribution-detail              GET viewer
attribution-cancel              POST researcher
attribution-file                GET researcher?
new-paper-bundle                POST researcher
paper-bundle                    GET researcher  pk=paperbundle
paper-bundle-list               GET researcher  POST researcher
paper-bundle-detail             GET researcher
paper-bundle-file               GET researcher?

# Models and scoring
models                          GET viewer
model                           GET viewer  pk=modelversion
model-import                    GET researcher  POST researcher
model-stage                     POST researcher  pk=modelversion
model-alias                     POST researcher  pk=modelversion
model-edit                      GET researcher  POST researcher  pk=modelversion
model-export                    POST researcher  pk=modelversion
model-delete                    GET researcher  POST researcher  pk=modelversion
model-file                      GET viewer  pk=modelversion  name=text:card.md
run-register                    GET researcher  POST researcher  pk=run
model-model.safetensors         GET researcher?  pk=modelversion
model-model.onnx                GET researcher?  pk=modelversion
model-config.json               GET researcher?  pk=modelversion
model-preprocessing.json        GET researcher?  pk=modelversion
model-card.json                 GET viewer  pk=modelversion
model-card.md                   GET viewer  pk=modelversion
model-example.py                GET researcher?  pk=modelversion
model-package.zip               GET researcher?  pk=modelversion
modelversion-import-file        POST researcher
modelversion-card               GET viewer
modelversion-export             GET viewer  POST researcher
modelversion-list               GET viewer  POST researcher
modelversion-detail             GET viewer  PATCH researcher  DELETE researcher
modelversion-aliases            PUT researcher  DELETE researcher  alias=text:best
modelversion-deletion           GET researcher
modelversion-stage              POST researcher
scoring                         GET viewer
batch-new                       GET researcher  POST researcher
batch                           GET viewer  pk=scoringbatch
scoringbatch-list               GET viewer  POST researcher
scoringbatch-detail             GET viewer  PATCH researcher  DELETE researcher
scoringbatch-cancel             POST researcher
scoringbatch-deletion           GET researcher
scoringbatch-retry              POST researcher
scoring-items                   GET viewer  pk=scoringbatch
scoring-results-ndjson          GET viewer  pk=scoringbatch
scoring-results-csv             GET viewer  pk=scoringbatch
scoring-results-parquet         GET viewer  pk=scoringbatch
assign-doubtful                 POST researcher  pk=scoringbatch
batch-delete                    GET researcher  POST researcher  pk=scoringbatch
batch-files                     POST researcher
batch-change                    POST researcher  pk=scoringbatch
batch-action                    POST researcher  pk=scoringbatch  action=text:cancel
batch-doubt                     GET researcher  POST researcher  pk=scoringbatch
batch-saved                     GET researcher  pk=scoringbatch
"""

FILE = "@file"  # a small file
FORMATS = {
    "clip-list": "multipart",
    "annotation-import-list": "multipart",
    "modelversion-import-file": "multipart",
}  # of bodies that are not JSON
# What a request needs so that its role is checked: “@row” is the id of a row.
BODIES = {
    "POST project-list": {"name": "New"},
    "POST project-member-list": {"username": "new", "role": "viewer"},
    "PATCH project-member-detail": {"role": "viewer"},
    "POST member-role": {"role": "viewer"},
    "POST webhook-api-list": {
        "project": "@project",
        "url": "https://example.org/",
        "events": ["run.finished"],
    },
    "POST database-list": {"project": "@project", "name": "New", "fps": 200},
    "PUT database-detail": {"project": "@project", "name": "New", "fps": 200},
    "POST clip-turn": {"degrees": 90},
    "PATCH clip-detail": {"fps": 100},
    "GET clip-flow": {"from": 0, "to": 1},
    "POST import-folder-list": {"project": "@project", "path": "SAMM"},
    "PATCH installation": {"projects_by": "administrators"},
    "POST import-list": {"project": "@project", "layout": "casme2", "source": "CASME2"},
    "POST annotation-list": {"clip": "@clip", "onset": 1},
    "POST annotation-bulk": {
        "operations": [{"op": "create", "clip": "@clip", "onset": 1}],
        "atomic": True,
    },
    "PATCH annotation-detail": {"onset": 2, "expected_version": 1},
    "POST annotation-import-list": {"project": "@project", "file": FILE},
    "POST clip-list": {"database": "@database", "subject": "s1", "file": FILE},
    "POST assignment-list": {"project": "@project", "coders": ["annotator"]},
    "POST assignment-done": {"clip": "@clip"},
    "POST assignment-reopen": {"clip": "@clip"},
    "POST compositeversion-list": {
        "project": "@project",
        "name": "New",
        "databases": ["@database"],
        "label_map": {"CASME II": {"disgust": "negative"}},
    },
    "POST compositeversion-import-document": {"project": "@project", "document": {}},
    "GET compositeversion-diff": {"against": "@compositeversion"},
    "POST feature-sets": {"config": {}},
    "POST feature-export-list": {"version": "@compositeversion", "format": "npz"},
    "POST run-list": {"version": "@compositeversion"},
    "POST run-bulk": {"ids": ["@run"], "action": "star"},
    "POST run-delete-many": {"ids": ["@run"]},
    "GET run-deletion-of-many": {"id": "@run"},
    "POST experiment-list": {"version": "@compositeversion"},
    "POST experiment-bulk": {"ids": ["@experiment"], "action": "star"},
    "POST experiment-delete-many": {"ids": ["@experiment"]},
    "GET experiment-deletion-of-many": {"id": "@experiment"},
    "POST experiment-estimate": {"version": "@compositeversion"},
    "POST experiment-add-seeds": {"seeds": [7]},
    "GET compare-runs-api": {"run": "@run"},
    "GET compared-predictions-csv": {"run": "@run"},
    "GET compared-predictions-parquet": {"run": "@run"},
    "POST run-attributions": {"samples": "all"},
    "POST savedview-list": {"project": "@project", "name": "Mine", "query": "ordering=-uar"},
    "POST tag-merge": {"into": "@tag"},
    "POST paper-bundle-list": {"runs": ["@run"]},
    "POST modelversion-import-file": {"project": "@project", "name": "New", "file": FILE},
    "POST modelversion-list": {"run": "@run", "name": "New"},
    "PUT modelversion-aliases": {"reason": "x"},
    "POST modelversion-stage": {"stage": "candidate", "reason": "x"},
    "POST scoringbatch-list": {"model": "@modelversion", "clips": ["@clip"]},
    "POST external-runs-api": {"name": "x", "protocol": "loso", "rows": []},
    "GET compare-runs": {"run": "@run"},
    "GET run-list": {"project": "@project"},
}
