"""The apps of becalm: thin doors, written once over what a domain is.

``main`` stands on top; each folder imports from those below it alone:

    setup/ share/ runs/ results/ studio/    commands that are no domain's
    new/                                    a plugin to start from
    verbs/                                  what every domain can do: sample, train, evaluate
    tracking/                               trainings kept in MLflow
    cli/                                    a command: flags, config files, errors, progress
    fields/                                 a pydantic field described once, for flags and for pages
"""

import becalm as becalm  # Forwards the old names.

_ROOMS = {
    "setup": "checkup completion doctor plugins",
    "cli": "common config_file flags form progress show table terminal verb",
    "verbs": "domain evaluate generate output sample train",
    "verbs.session": "log watch",
}
_RENAMED = {
    "border": "cli.error_boundary",
    "film": "verbs.animation",
    "kinds": "fields.nested",
    "loading": "cli.process.interrupt",
    "nouns": "cli.lazy_group",
    "runs.page": "runs.ui",
    "stop": "cli.process.stop",
    "share.bring": "share.import_checkpoint",
    "share.folder": "share.bundle",
    "share.wishes": "share.card_overrides",
    "studio.desk": "studio.ui.panel_controller",
    "studio.door": "studio.access.guard",
    "studio.draw": "studio.ui.component",
    "studio.fields": "studio.ui.entry",
    "studio.look": "studio.ui.style",
    "studio.page": "studio.ui.page",
    "studio.panel": "studio.ui.panel",
    "studio.run": "studio.session.job",
    "studio.sample": "studio.ui.sample",
    "studio.sketch": "studio.ui.sketch",
    "studio.stage": "studio.ui.output_view",
    "studio.turn": "studio.session.fair_lock",
    "studio.visitors": "studio.session.sessions",
    "tracking.later": "tracking.backfill",
    "tracking.note": "tracking.manifest",
    "tracking.page": "tracking.ui",
    "tracking.register": "tracking.registry.register",
    "tracking.served": "tracking.registry.model_code",
    "tracking.serving": "tracking.registry.pyfunc",
    "tracking.where": "tracking.uri",
    "training": "verbs.session.run",
}
_MOVED = {name: f"{room}.{name}" for room, names in _ROOMS.items() for name in names.split()} | _RENAMED
MOVED = {f"becalm_apps.{old}": f"becalm_apps.{new}" for old, new in _MOVED.items()}
MOVED["becalm_apps.requirement"] = "becalm.plugin.distribution.requirement"
"""Modules by the name that they had in becalm 0.1; importing one gives the module where it is now."""
