# Makefile - the front door of the project; "make help" lists what it can do
#
# PG_CONFIG names the server to build for. Nothing here installs into the
# system but "make install"; demo and check stage the extension in a private
# directory.

PG_CONFIG ?= pg_config
prefix ?= /usr/local
bindir ?= $(prefix)/bin
datadir ?= $(prefix)/share
mandir ?= $(datadir)/man
bashcompdir ?= $(datadir)/bash-completion/completions
zshcompdir ?= $(datadir)/zsh/site-functions
fishcompdir ?= $(datadir)/fish/vendor_completions.d
INSTALL ?= install

# Relative LOG= and MAPPING= count from where the caller stands, also under
# "make -C".
export CALLER_DIR := $(PWD)
export LOG LOG_FORMAT MAPPING MOVIELENS KEEP SUITES

# Scripts look for a server of their own choice unless the caller named one.
ifeq ($(origin PG_CONFIG),file)
unexport PG_CONFIG
else
export PG_CONFIG
endif

SUB = --no-print-directory PG_CONFIG=$(PG_CONFIG) -C

.PHONY: all core extension loader tests fuzz install install-manual uninstall dist packages
.PHONY: demo notebook check check-matrix check-packages check-sanitizers soak bench lint clean help

all: extension loader ## build the loader and the extension

core:
	@$(MAKE) $(SUB) core

extension: core build/server-version
	@$(MAKE) $(SUB) extension

loader: core
	@$(MAKE) $(SUB) loader

# The C test programs, plain and with sanitizers; peers of the interoperation tests.
tests: core
	@$(MAKE) $(SUB) test/unit all
	@$(MAKE) $(SUB) test/interop all

# The fuzzing targets, where clang can build them.
fuzz:
	@$(MAKE) $(SUB) test/fuzz all

# The extension is built in its own folder: objects made for another server
# version go when the version changes.
.PHONY: FORCE
build/server-version: FORCE
	@mkdir -p build
	@$(PG_CONFIG) --version > $@.new
	@if cmp -s $@.new $@; then rm $@.new; else \
	  if test -e $@; then $(MAKE) $(SUB) extension clean; fi; mv $@.new $@; fi

install: all install-manual ## the extension for PG_CONFIG, the loader in $(prefix)/bin
	$(MAKE) $(SUB) extension install
	$(INSTALL) -d '$(DESTDIR)$(bindir)'
	$(INSTALL) -m 755 build/clickstream '$(DESTDIR)$(bindir)/clickstream'

# The man pages and the completions, which scripts/manual makes.
install-manual:
	$(INSTALL) -d '$(DESTDIR)$(mandir)/man1' '$(DESTDIR)$(bashcompdir)' '$(DESTDIR)$(zshcompdir)' \
	  '$(DESTDIR)$(fishcompdir)'
	$(INSTALL) -m 644 docs/man/*.1 '$(DESTDIR)$(mandir)/man1'
	$(INSTALL) -m 644 completions/clickstream.bash '$(DESTDIR)$(bashcompdir)/clickstream'
	$(INSTALL) -m 644 completions/_clickstream '$(DESTDIR)$(zshcompdir)/_clickstream'
	$(INSTALL) -m 644 completions/clickstream.fish '$(DESTDIR)$(fishcompdir)/clickstream.fish'

uninstall: ## remove what "make install" put there
	$(MAKE) $(SUB) extension uninstall
	rm -f '$(DESTDIR)$(bindir)/clickstream' \
	  $(patsubst docs/man/%,'$(DESTDIR)$(mandir)/man1/%',$(wildcard docs/man/*.1)) \
	  '$(DESTDIR)$(bashcompdir)/clickstream' '$(DESTDIR)$(zshcompdir)/_clickstream' \
	  '$(DESTDIR)$(fishcompdir)/clickstream.fish'

dist: ## make the source archives, for PGXN and others, in build
	@scripts/dist

packages: ## build the Debian packages for this release, in build/packages
	@scripts/packages

check-packages: ## test the packages in clean Debian chroots; RELEASES="bookworm"
	@scripts/check-packages $(RELEASES)

demo: ## log to report in a throwaway server; LOG= MAPPING= KEEP=1
	@scripts/demo

notebook: ## open the notebooks on a throwaway server, in JupyterLab
	@scripts/notebook

check: ## run every test; SUITES="unit regress" for some of the suites
	@scripts/check $(SUITES)

check-matrix: ## the server tests with PostgreSQL SERVERS="15 16 17 18"
	@scripts/check-matrix $(SERVERS)

soak: ## run the randomised tests with their full counts
	@CLICKSTREAM_SOAK=1 scripts/check unit fuzz tap python cloud

check-sanitizers: ## the SQL tests and the program under valgrind and sanitizers
	@CLICKSTREAM_SOAK=1 scripts/check valgrind asan
	@SANITIZE=address scripts/check tap python
	@SANITIZE=thread scripts/check tap python

bench: ## run the benchmarks
	@bench/run

lint: ## check the style of the sources
	@scripts/check lint

clean: ## remove everything that was built
	-@$(MAKE) $(SUB) extension clean
	rm -rf build

help: ## show this list
	@echo 'Usage: make [TARGET] [PG_CONFIG=/path/to/pg_config]'
	@echo
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | \
	  while IFS="$$(printf '\t')" read -r name text; do printf '  %-16s %s\n' "$$name" "$$text"; done
	@echo
	@echo 'On Debian, scripts/install-deps installs what building needs; demo and'
	@echo 'check do that by themselves.'
