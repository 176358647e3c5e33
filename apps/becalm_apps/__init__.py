"""The apps of becalm: thin doors, written once over what a domain is.

``main`` stands on top; each folder imports from those below it alone:

    new/ share/ runs/ studio/ setup/    commands that are no domain's
    verbs/                              what every domain can do: sample, train, evaluate
    tracking/                           trainings kept in MLflow
    cli/                                a command: flags, config files, errors, progress
    fields/                             a pydantic field described once, for flags and for pages
"""

MOVED = {
    "becalm_apps.border": "becalm_apps.cli.error_boundary",
    "becalm_apps.checkup": "becalm_apps.setup.checkup",
    "becalm_apps.common": "becalm_apps.cli.common",
    "becalm_apps.completion": "becalm_apps.setup.completion",
    "becalm_apps.config_file": "becalm_apps.cli.config_file",
    "becalm_apps.doctor": "becalm_apps.setup.doctor",
    "becalm_apps.domain": "becalm_apps.verbs.domain",
    "becalm_apps.evaluate": "becalm_apps.verbs.evaluate",
    "becalm_apps.film": "becalm_apps.verbs.animation",
    "becalm_apps.flags": "becalm_apps.cli.flags",
    "becalm_apps.form": "becalm_apps.cli.form",
    "becalm_apps.generate": "becalm_apps.verbs.generate",
    "becalm_apps.kinds": "becalm_apps.fields.nested",
    "becalm_apps.loading": "becalm_apps.cli.interrupt",
    "becalm_apps.log": "becalm_apps.verbs.log",
    "becalm_apps.nouns": "becalm_apps.cli.lazy_group",
    "becalm_apps.output": "becalm_apps.verbs.output",
    "becalm_apps.plugins": "becalm_apps.setup.plugins",
    "becalm_apps.progress": "becalm_apps.cli.progress",
    "becalm_apps.requirement": "becalm_apps.setup.requirement",
    "becalm_apps.runs.page": "becalm_apps.runs.ui",
    "becalm_apps.sample": "becalm_apps.verbs.sample",
    "becalm_apps.share.bring": "becalm_apps.share.import_checkpoint",
    "becalm_apps.share.folder": "becalm_apps.share.bundle",
    "becalm_apps.share.wishes": "becalm_apps.share.card_overrides",
    "becalm_apps.show": "becalm_apps.cli.show",
    "becalm_apps.stop": "becalm_apps.cli.stop",
    "becalm_apps.studio.desk": "becalm_apps.studio.ui.panel_controller",
    "becalm_apps.studio.door": "becalm_apps.studio.access_guard",
    "becalm_apps.studio.draw": "becalm_apps.studio.ui.component",
    "becalm_apps.studio.fields": "becalm_apps.studio.ui.entry",
    "becalm_apps.studio.look": "becalm_apps.studio.ui.style",
    "becalm_apps.studio.page": "becalm_apps.studio.ui.page",
    "becalm_apps.studio.panel": "becalm_apps.studio.ui.panel",
    "becalm_apps.studio.run": "becalm_apps.studio.session.job",
    "becalm_apps.studio.sample": "becalm_apps.studio.ui.sample",
    "becalm_apps.studio.sketch": "becalm_apps.studio.ui.sketch",
    "becalm_apps.studio.stage": "becalm_apps.studio.ui.output_view",
    "becalm_apps.studio.turn": "becalm_apps.studio.session.fair_lock",
    "becalm_apps.studio.visitors": "becalm_apps.studio.session.sessions",
    "becalm_apps.table": "becalm_apps.cli.table",
    "becalm_apps.terminal": "becalm_apps.cli.terminal",
    "becalm_apps.tracking.later": "becalm_apps.tracking.backfill",
    "becalm_apps.tracking.note": "becalm_apps.tracking.manifest",
    "becalm_apps.tracking.page": "becalm_apps.tracking.ui",
    "becalm_apps.tracking.register": "becalm_apps.tracking.registry.register",
    "becalm_apps.tracking.served": "becalm_apps.tracking.registry.model_code",
    "becalm_apps.tracking.serving": "becalm_apps.tracking.registry.pyfunc",
    "becalm_apps.tracking.where": "becalm_apps.tracking.uri",
    "becalm_apps.train": "becalm_apps.verbs.train",
    "becalm_apps.training": "becalm_apps.verbs.training",
    "becalm_apps.verb": "becalm_apps.cli.verb",
    "becalm_apps.watch": "becalm_apps.verbs.watch",
}
"""Modules by the name that they had in becalm 0.1; importing one gives the module where it is now."""
