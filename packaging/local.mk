# What belongs to packages: the entry of the menu with its icon, recipes (packaging/README.md).
desktopdir = $(datadir)/applications
dist_desktop_DATA = packaging/desktop/vilscope.desktop
icondir = $(datadir)/icons/hicolor/scalable/apps
dist_icon_DATA = packaging/desktop/vilscope.svg
# Examples, beside the documents.
examplesdir = $(docdir)/examples
dist_examples_DATA = examples/README.md examples/demo.checks examples/figure.vs examples/vilscope.conf
dist_examples_SCRIPTS = examples/ask-folder examples/extract.sbatch examples/new-checkpoint
dist_doc_DATA = README.md INSTALL.md NEWS
# A tarball that runs where it is unpacked.
bindist: $(bin_PROGRAMS)
	sh $(srcdir)/packaging/bindist .
.PHONY: bindist
EXTRA_DIST += packaging/README.md packaging/apptainer/vilscope.def packaging/arch/PKGBUILD packaging/bindist \
	packaging/conda/meta.yaml packaging/homebrew/vilscope.rb packaging/nix/default.nix packaging/rpm/vilscope.spec
EXTRA_DIST += debian/changelog debian/control debian/copyright debian/rules debian/source/format \
	debian/vilscope-demo.install debian/vilscope-demo.lintian-overrides debian/vilscope.install \
	debian/vilscope.lintian-overrides
