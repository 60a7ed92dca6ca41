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
