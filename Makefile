# The front door. Meson and ninja do the work; see CONTRIBUTING.md for the same commands without make.
#
#   make build     build/skep, build/skep-plugin, build/libskep.a           make install [PREFIX= DESTDIR=]
#   make run       the examples over a capture of real traffic              make cross [TARGETS="aarch64 musl"]
#   make test      every test                                               make sanitize
#   make check     layers, symbols, format                                  make fuzz [SECONDS=60]
#   make diff      against the running kernel (root)                        make bench
BUILD   ?= build
MESON   ?= meson
PREFIX  ?= /usr/local
TARGETS ?= aarch64 riscv64 s390x windows musl
SECONDS ?= 60

.PHONY: all build run test bench diff fuzz check check-layers check-symbols install clean distclean cross sanitize format \
        format-check tools-build tools-run tools-test tools-fuzz tools-cross

# ninja works in parallel; apt-get must not.
.NOTPARALLEL:

all: build

# Installs what is missing (as root, on Debian) or names it and exits 3 (which make reports as "Error 3").
tools-build tools-run tools-test tools-fuzz tools-cross: tools-%:
	@tools/install $*

$(BUILD)/build.ninja: | tools-build
	$(MESON) setup $(BUILD) --prefix=$(PREFIX)

# Programs that a group brought are seen from the next configuration on.
ready = @grep -qsx $(1) $(BUILD)/.ready || { $(MESON) setup --reconfigure $(BUILD) >/dev/null && echo $(1) >>$(BUILD)/.ready; }

build: tools-build $(BUILD)/build.ninja
	@ninja -C $(BUILD) ship

run: tools-run build
	@SKEP_BUILD=$(abspath $(BUILD)) examples/run.sh

test: tools-test build
	$(call ready,test)
	@tools/run-tests $(BUILD)

diff: tools-test build
	$(call ready,test)
	@ninja -C $(BUILD) diff

bench: tools-test build
	$(call ready,test)
	@ninja -C $(BUILD) bench
	@ninja -C $(BUILD) bench-verifier

fuzz: tools-fuzz
	@tools/fuzz --seconds $(SECONDS)

check: check-layers check-symbols format-check

check-layers:
	@tools/check-layers

check-symbols: build
	@tools/check-symbols $(BUILD)

format:
	@tools/check-format --fix

format-check: tools-test
	@tools/check-format

sanitize: tools-test
	@tools/sanitize

cross: tools-cross
	@tools/cross $(TARGETS)

install: tools-build $(BUILD)/build.ninja
	@$(MESON) configure $(BUILD) -Dprefix=$(PREFIX)
	@ninja -C $(BUILD) ship
	@DESTDIR=$(DESTDIR) $(MESON) install -C $(BUILD) --no-rebuild

# The libraries built for other systems (build/deps) take minutes: distclean removes them too.
clean:
	@find $(BUILD) -mindepth 1 -maxdepth 1 ! -name deps -exec rm -rf {} + 2>/dev/null || true

distclean:
	@rm -rf $(BUILD)
