# What belongs to packages: the entry of the menu with its icon, recipes (packaging/README.md).
desktopdir = $(datadir)/applications
dist_desktop_DATA = packaging/desktop/vilscope.desktop
icondir = $(datadir)/icons/hicolor/scalable/apps
dist_icon_DATA = packaging/desktop/vilscope.svg
# Examples, beside the documents.
examplesdir = $(docdir)/examples
dist_examples_DATA = examples/README.md examples/demo.checks examples/figure.vs examples/vilscope.conf
dist_examples_SCRIPTS = examples/ask-folder examples/gallery examples/new-checkpoint
dist_doc_DATA = README.md INSTALL.md NEWS
# The demo lies elsewhere then: the same way from any prefix, unless documents have a place of their own.
install-data-hook:
	case "$(docdir)" in "$(datadir)/doc/$(PACKAGE)") demo=../../../$(PACKAGE)/demo ;; \
		*) demo=$(pkgdatadir)/demo ;; esac; \
	sed "s|^image: \.\./demo/model/|image: $$demo/|" $(srcdir)/examples/demo.checks \
		>$(DESTDIR)$(examplesdir)/demo.checks
# A tarball that runs where it is unpacked.
bindist: $(bin_PROGRAMS)
	sh $(srcdir)/packaging/bindist .
.PHONY: bindist
EXTRA_DIST += packaging/README.md packaging/apptainer/vilscope.def packaging/arch/PKGBUILD packaging/bindist \
	packaging/conda/meta.yaml packaging/homebrew/vilscope.rb packaging/nix/default.nix packaging/rpm/vilscope.spec
EXTRA_DIST += debian/changelog debian/control debian/copyright debian/rules debian/source/format \
	debian/vilscope-demo.install debian/vilscope-demo.lintian-overrides debian/vilscope.install \
	debian/vilscope.lintian-overrides
# For notebooks and other readers: Python without a compiled part, and what the JSON is.
EXTRA_DIST += python/README.md python/pyproject.toml python/vilscope_log/__init__.py
schemadir = $(pkgdatadir)/schemas
dist_schema_DATA = schemas/cache-clear.schema.json \
	schemas/cache.schema.json \
	schemas/compare-attention.schema.json \
	schemas/compare-cka.schema.json \
	schemas/compare-patch.schema.json \
	schemas/compare-rows.schema.json \
	schemas/compare-watch-data.schema.json \
	schemas/compare-watch.schema.json \
	schemas/compare-weights.schema.json \
	schemas/compare.schema.json \
	schemas/devices.schema.json \
	schemas/doctor.schema.json \
	schemas/eval-change.schema.json \
	schemas/eval-heads.schema.json \
	schemas/eval.schema.json \
	schemas/explain-project.schema.json \
	schemas/explain.schema.json \
	schemas/inspect.schema.json \
	schemas/model-check.schema.json \
	schemas/model-init.schema.json \
	schemas/query-attribute.schema.json \
	schemas/query-leave-one-out.schema.json \
	schemas/query-patch.schema.json \
	schemas/query.schema.json \
	schemas/sessions-check.schema.json \
	schemas/sessions-diff.schema.json schemas/sessions-difference.schema.json \
	schemas/sessions-evaluation.schema.json \
	schemas/sessions-evaluations.schema.json \
	schemas/sessions-import.schema.json \
	schemas/sessions-list.schema.json \
	schemas/sessions-merge.schema.json \
	schemas/sessions-prune.schema.json \
	schemas/sessions-replay.schema.json \
	schemas/sessions-search.schema.json \
	schemas/sessions-show.schema.json \
	schemas/tasks.schema.json
EXTRA_DIST += schemas/README.md schemas/validate
