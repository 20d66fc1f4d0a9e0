# Postern.  One file, not recursive.  The object lists below are the fence: what is
# not in a program's list is not in the program, and tests/fence_test.sh checks it.
#
#   make            everything, under build/        make SAN=1     with ASan and UBSan
#   make run        a server to try                 make demo      the same, unattended
#   make check      all tests                       make bench     beside the peers
#   make check-interop   against peers that Debian has older, or not at all
#   make install    DESTDIR= PREFIX= SYSCONFDIR=    make fuzz      long; not in check; FUZZERS= FUZZ_SECONDS=

CC      ?= cc
PREFIX  ?= /usr/local
SYSCONFDIR ?= $(if $(filter /usr,$(PREFIX)),/etc,$(PREFIX)/etc)
VERSION  = 0.1.0
SOMAJOR  = 0

B := build$(if $(SAN),/san)
# one short line per file; V=1 shows the commands
Q := $(if $(V),,@)

WARN = -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
       -Wconversion -Wno-sign-conversion -Wpointer-arith -Wwrite-strings -Wvla \
       -Wundef -Wformat=2 -Wimplicit-fallthrough
ifeq ($(SAN),)
OPT  = -O2 -g
# gcc knows level 3; others take 2
FORTIFY := $(shell $(CC) -O2 -D_FORTIFY_SOURCE=3 -dM -E -x c /dev/null 2>/dev/null | grep -q __GNUC__ && \
	 ! $(CC) --version 2>/dev/null | grep -qi clang && echo 3 || echo 2)
HARD = -D_FORTIFY_SOURCE=$(FORTIFY) -fstack-protector-strong -fstack-clash-protection \
       -fcf-protection $(AUTOINIT)
# clang before 16 wants a second word for it
AUTOINIT := $(shell $(CC) -Werror -ftrivial-auto-var-init=zero -E -x c /dev/null >/dev/null 2>&1 && \
	 echo -ftrivial-auto-var-init=zero)
HARDLD = -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code
else
OPT  = -O1 -g -fno-omit-frame-pointer
HARD = -fsanitize=address,undefined -fno-sanitize-recover=undefined -DPOSTERN_SAN=1
HARDLD = -fsanitize=address,undefined
endif
# another OpenSSL than the system's: OPENSSL_CFLAGS=-I... OPENSSL_LIBS='-L... -Wl,-rpath,... -lcrypto'
OPENSSL_LIBS ?= -lcrypto
CPPFLAGS += $(OPENSSL_CFLAGS) -D_GNU_SOURCE -DLIBBSD_OPENBSD_VIS -I. -Iinclude -DPOSTERN_VERSION='"$(VERSION)"'
ALLCFLAGS = -std=c17 $(OPT) $(WARN) $(HARD) -fPIC -fvisibility=hidden \
       -ffile-prefix-map=$(CURDIR)=. $(CPPFLAGS) $(CFLAGS)
ALLLDFLAGS = $(HARDLD) $(LDFLAGS)
PIE = -pie

# ---- the fence -------------------------------------------------------------------
IPC_SRC     = ipc/ipc.c ipc/sock.c
CRYPTO_SRC  = crypto/mem.c $(wildcard crypto/random*.c) crypto/hash.c crypto/sha3.c crypto/algs.c \
              $(wildcard crypto/kex_*.c) $(wildcard crypto/mlkem*.c) $(wildcard crypto/sntrup761*.c) \
              $(wildcard crypto/cipher_*.c) $(wildcard crypto/mac_*.c) crypto/umac.c
SIGN_SRC    = $(wildcard crypto/sign*.c) crypto/fingerprint.c
CERT_SRC    = crypto/cert.c crypto/cert_options.c crypto/cert_judge.c crypto/krl.c crypto/krl_list.c crypto/wildcard.c
KEYFILE_SRC = $(wildcard crypto/keyfile*.c) crypto/bcrypt_pbkdf.c

LIB_SRC     = $(wildcard privsep/api_*.c) privsep/spawn.c privsep/spawn_plan.c $(IPC_SRC)
MONITOR_SRC = $(wildcard privsep/monitor_*.c) privsep/spawn.c privsep/spawn_plan.c privsep/sandbox_monitor.c \
              privsep/sandbox_drop.c privsep/sandbox_bpf.c \
              $(IPC_SRC) $(CRYPTO_SRC) $(SIGN_SRC) $(CERT_SRC)
ZYGOTE_SRC  = privsep/rehearsal.c privsep/sandbox.c privsep/sandbox_root.c privsep/sandbox_landlock.c \
              privsep/sandbox_drop.c privsep/sandbox_bpf.c privsep/sandbox_filter.c
WORKER_SRC  = privsep/zygote.c $(wildcard privsep/worker_*.c) $(ZYGOTE_SRC) $(IPC_SRC) $(CRYPTO_SRC) $(wildcard proto/*.c)
KEYLOAD_SRC = privsep/keyload.c privsep/sandbox_keyload.c privsep/sandbox_drop.c \
              privsep/sandbox_bpf.c privsep/sandbox_filter.c $(IPC_SRC) \
              crypto/mem.c crypto/hash.c $(KEYFILE_SRC)
RESOLVE_SRC = privsep/resolve.c $(IPC_SRC)
# PAM where there is libpam to build with: one of two files with the same interface
PAM := $(shell echo '\#include <security/pam_appl.h>' | $(CC) -E -x c - >/dev/null 2>&1 && echo yes)
PAM_SRC     = apps/account_pam.c apps/account_pam_session.c
PAM_LIBS    = $(if $(PAM),-lpam)
ACCOUNT_SRC = $(filter-out $(if $(PAM),apps/account_nopam.c,$(PAM_SRC)),$(wildcard apps/account*.c))
POSTERND_SRC = $(wildcard apps/posternd*.c) $(wildcard apps/conf_*.c) $(ACCOUNT_SRC) \
              $(wildcard apps/session*.c) apps/foreign_names.c apps/program_signals.c
POSTERN_SRC = apps/postern.c $(wildcard apps/client_*.c) apps/foreign_names.c apps/program_signals.c
KEYGEN_SRC  = $(wildcard apps/keygen*.c) apps/conf_pattern.c apps/conf_number.c \
              $(wildcard crypto/key*.c) crypto/pubkey.c crypto/certmake.c \
              crypto/krlmake.c crypto/krlwrite.c crypto/bcrypt_pbkdf.c \
              crypto/mem.c crypto/random.c crypto/hash.c $(SIGN_SRC) $(CERT_SRC)

LIB_LIBS     = -lsodium -lmd
MONITOR_LIBS = $(OPENSSL_LIBS) -lsodium -lseccomp
WORKER_LIBS  = $(OPENSSL_LIBS) -lsodium -lseccomp -lz
KEYLOAD_LIBS = $(OPENSSL_LIBS) -lsodium -lseccomp
RESOLVE_LIBS = -lsodium
POSTERND_LIBS = -lsodium -lcrypt -lmd -lbsd -lutil $(PAM_LIBS)
POSTERN_LIBS = -lsodium -lmd -lbsd
KEYGEN_LIBS  = $(OPENSSL_LIBS) -lsodium -lbsd

obj = $(patsubst %.c,$(B)/obj/%.o,$(1))
ALL_SRC = $(sort $(LIB_SRC) $(MONITOR_SRC) $(WORKER_SRC) $(KEYLOAD_SRC) $(RESOLVE_SRC) $(POSTERND_SRC) $(POSTERN_SRC) $(KEYGEN_SRC))

PROGRAMS = $(B)/libexec/postern-monitor $(B)/libexec/postern-worker $(B)/libexec/postern-keyload \
           $(B)/libexec/postern-resolve $(B)/bin/posternd $(B)/bin/postern $(B)/bin/postern-keygen
LIBS     = $(B)/lib/libpostern.a $(B)/lib/libpostern.so

.PHONY: all tests one run demo check check-interop bench fuzz install clean deps
.DELETE_ON_ERROR:
# a relinked test is not a recompiled one
.SECONDARY:
all: $(PROGRAMS) $(LIBS)

# ---- rules -----------------------------------------------------------------------
$(B)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(if $(V),,@echo "  cc   $<")
	$(Q)$(CC) $(ALLCFLAGS) -MMD -MP -c -o $@ $<

# polynomials are vectors, and level 2 of gcc does not see that: 4.7 ms for a key of
# sntrup761 instead of 0.7, 38 us for an encapsulation of ML-KEM-768 instead of 30
ifeq ($(SAN),)
$(B)/obj/crypto/sntrup761%.o $(B)/obj/crypto/mlkem_poly.o: ALLCFLAGS += -O3
$(B)/obj/crypto/umac.o: ALLCFLAGS += -O3
endif

# where the helpers are: known to one object, so that installing relinks and no
# environment variable is ever asked
$(B)/obj/privsep/api_path.o build/fuzz/obj/privsep/api_path.o: CPPFLAGS += -DPOSTERN_HELPER_DIR='"$(abspath $(B)/libexec)"'
$(B)/obj/apps/posternd_path.o build/fuzz/obj/apps/posternd_path.o: CPPFLAGS += -DPOSTERND_CONF='"$(SYSCONFDIR)/postern/posternd.conf"'

$(B)/libexec/postern-monitor: $(call obj,$(MONITOR_SRC))
	@mkdir -p $(@D)
	$(if $(V),,@echo "  link $@")
	$(Q)$(CC) $(ALLCFLAGS) $(PIE) $(ALLLDFLAGS) -o $@ $^ $(MONITOR_LIBS)
$(B)/libexec/postern-worker: $(call obj,$(WORKER_SRC))
	@mkdir -p $(@D)
	$(if $(V),,@echo "  link $@")
	$(Q)$(CC) $(ALLCFLAGS) $(PIE) $(ALLLDFLAGS) -o $@ $^ $(WORKER_LIBS)
$(B)/libexec/postern-keyload: $(call obj,$(KEYLOAD_SRC))
	@mkdir -p $(@D)
	$(if $(V),,@echo "  link $@")
	$(Q)$(CC) $(ALLCFLAGS) $(PIE) $(ALLLDFLAGS) -o $@ $^ $(KEYLOAD_LIBS)
$(B)/libexec/postern-resolve: $(call obj,$(RESOLVE_SRC))
	@mkdir -p $(@D)
	$(if $(V),,@echo "  link $@")
	$(Q)$(CC) $(ALLCFLAGS) $(PIE) $(ALLLDFLAGS) -o $@ $^ $(RESOLVE_LIBS)
$(B)/lib/libpostern.a: $(call obj,$(LIB_SRC))
	@mkdir -p $(@D)
	$(Q)rm -f $@
	$(if $(V),,@echo "  ar   $@")
	$(Q)ar rcs $@ $^
$(B)/lib/libpostern.so: $(call obj,$(LIB_SRC)) include/postern.map
	@mkdir -p $(@D)
	$(if $(V),,@echo "  link $@")
	$(Q)$(CC) $(ALLCFLAGS) -shared $(ALLLDFLAGS) -Wl,-soname,libpostern.so.$(SOMAJOR) \
	  -Wl,--version-script=include/postern.map -o $@ $(call obj,$(LIB_SRC)) $(LIB_LIBS)
	$(Q)ln -sf libpostern.so $@.$(SOMAJOR)
$(B)/bin/posternd: $(call obj,$(POSTERND_SRC)) $(B)/lib/libpostern.a
	@mkdir -p $(@D)
	$(if $(V),,@echo "  link $@")
	$(Q)$(CC) $(ALLCFLAGS) $(PIE) $(ALLLDFLAGS) -o $@ $^ $(POSTERND_LIBS)
$(B)/bin/postern: $(call obj,$(POSTERN_SRC)) $(B)/lib/libpostern.a
	@mkdir -p $(@D)
	$(if $(V),,@echo "  link $@")
	$(Q)$(CC) $(ALLCFLAGS) $(PIE) $(ALLLDFLAGS) -o $@ $^ $(POSTERN_LIBS)

$(B)/bin/postern-keygen: $(call obj,$(KEYGEN_SRC))
	@mkdir -p $(@D)
	$(if $(V),,@echo "  link $@")
	$(Q)$(CC) $(ALLCFLAGS) $(PIE) $(ALLLDFLAGS) -o $@ $^ $(KEYGEN_LIBS)

# ---- tests -----------------------------------------------------------------------
# Each tests/NAME_test.c is a program over an archive of every object without a main.
MAIN_SRC = privsep/monitor_main.c privsep/zygote.c privsep/keyload.c privsep/resolve.c apps/posternd.c apps/postern.c \
           apps/keygen.c
TEST_ARCHIVE = $(B)/tests/all.a
$(TEST_ARCHIVE): $(call obj,$(filter-out $(MAIN_SRC),$(ALL_SRC)))
	@mkdir -p $(@D)
	$(Q)rm -f $@
	$(if $(V),,@echo "  ar   $@")
	$(Q)ar rcs $@ $^
UNIT_TESTS = $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/*_test.c))
$(B)/tests/%: $(B)/obj/tests/%.o $(TEST_ARCHIVE)
	@mkdir -p $(@D)
	$(if $(V),,@echo "  link $@")
	$(Q)$(CC) $(ALLCFLAGS) $(PIE) $(ALLLDFLAGS) -o $@ $< $(TEST_ARCHIVE) \
	  -lcmocka $(OPENSSL_LIBS) -lsodium -lseccomp -lz -lcrypt -lmd -lbsd -lutil $(PAM_LIBS)
TOOLS = $(patsubst tests/tools/%.c,$(B)/tests/tools/%,$(wildcard tests/tools/*.c))
$(B)/tests/tools/%: $(B)/obj/tests/tools/%.o $(TEST_ARCHIVE)
	@mkdir -p $(@D)
	$(if $(V),,@echo "  link $@")
	$(Q)$(CC) $(ALLCFLAGS) $(PIE) $(ALLLDFLAGS) -o $@ $< $(TEST_ARCHIVE) $(OPENSSL_LIBS) -lsodium -lseccomp -lz -lmd -lbsd -lcrypt -lutil $(PAM_LIBS)
tests: $(UNIT_TESTS) $(TOOLS)
# a postern-worker whose worker answers the test, for zygote_test
$(B)/tests/zygote_stub/postern-worker: $(call obj,privsep/zygote.c $(ZYGOTE_SRC) $(IPC_SRC) \
  $(CRYPTO_SRC) tests/zygote_stub.c)
	@mkdir -p $(@D)
	$(CC) $(ALLCFLAGS) $(PIE) $(ALLLDFLAGS) -o $@ $^ $(WORKER_LIBS)
$(B)/tests/zygote_test: $(B)/tests/zygote_stub/postern-worker $(B)/libexec/postern-worker
$(B)/tests/keyload_test: $(B)/libexec/postern-keyload
$(B)/tests/resolve_test: $(B)/libexec/postern-resolve
# what works on secrets, for valgrind; ct_test.sh has it made in folders of its own
$(B)/tests/ct: CPPFLAGS += -DPOSTERN_CT
$(B)/tests/ct: $(call obj,tests/ct.c $(wildcard crypto/mlkem*.c crypto/sntrup761*.c) crypto/umac.c crypto/sha3.c crypto/hash.c \
  crypto/mem.c crypto/random.c)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALLCFLAGS) $(PIE) $(ALLLDFLAGS) -o $@ $^ $(OPENSSL_LIBS) -lsodium

# ---- generated documents -----------------------------------------------------------
$(B)/messages_md: $(call obj,ipc/messages_md.c $(IPC_SRC))
	$(if $(V),,@echo "  link $@")
	$(Q)$(CC) $(ALLCFLAGS) $(PIE) $(ALLLDFLAGS) -o $@ $^ -lsodium
docs/messages.md: $(B)/messages_md
	@mkdir -p $(@D)
	$(B)/messages_md >$@

# one test over named sources: make one T=wire_test SRC="proto/ssh.c"
one: $(call obj,tests/$(T).c $(SRC))
	@mkdir -p $(B)/one
	$(CC) $(ALLCFLAGS) $(PIE) $(ALLLDFLAGS) -o $(B)/one/$(T) $^ \
	  -lcmocka $(OPENSSL_LIBS) -lsodium -lseccomp -lz -lcrypt -lmd -lbsd -lutil $(PAM_LIBS)
	$(B)/one/$(T)

# ---- the commands of the README ----------------------------------------------------
# The packages come first, in a make of their own: this one may have started without
# a compiler.
run demo:
	@sh deps.sh build
	@$(MAKE) --no-print-directory all
	@sh apps/try.sh $@ $(B)

check:
	@sh deps.sh check
	@$(MAKE) --no-print-directory all tests
	@bash tests/run.sh $(B)

# Peers that Debian has not, or not as new, from their own registry by pinned version.
INTEROP_PIP = paramiko==5.1.0 asyncssh==2.24.1 ssh-audit==3.9.0
$(B)/interop/.done: Makefile
	@sh deps.sh interop
	/usr/bin/python3 -m venv $(@D)
	$(@D)/bin/pip install -q --retries 5 $(INTEROP_PIP)
	@touch $@
check-interop: $(B)/interop/.done
	@$(MAKE) --no-print-directory all
	@BUILD=$(B) PARAMIKO=$(abspath $(B))/interop/bin/python3 tests/interop/paramiko_test.py
	@BUILD=$(B) SSH_AUDIT=$(abspath $(B))/interop/bin/ssh-audit python3 tests/interop/audit_test.py
	@BUILD=$(B) tests/interop/registry.py

bench:
	@sh deps.sh check
	@$(MAKE) --no-print-directory all
	@python3 tests/bench/bench.py $(B)

# Each fuzz target runs for FUZZ_SECONDS; clang only.
FUZZ_SECONDS ?= 60
FUZZERS = $(basename $(notdir $(wildcard tests/fuzz/fuzz_*.c)))
fuzz:
	@sh deps.sh fuzz
	@$(MAKE) --no-print-directory $(addprefix build/fuzz/bin/,$(FUZZERS))
	@for f in $(FUZZERS); do mkdir -p build/fuzz/corpus/$$f && \
	  { [ ! -x tests/fuzz/$$f.sh ] || tests/fuzz/$$f.sh build/fuzz/corpus/$$f; } && \
	  build/fuzz/bin/$$f -max_total_time=$(FUZZ_SECONDS) -artifact_prefix=build/fuzz/ build/fuzz/corpus/$$f || exit 1; done
# What UBSan sees ends the run too.
FUZZ_CC ?= clang
FUZZ_FLAGS = -std=c17 -O1 -g $(WARN) $(CPPFLAGS) -fno-sanitize-recover=undefined -DPOSTERN_SAN=1
FUZZ_OBJ = $(patsubst %.c,build/fuzz/obj/%.o,$(filter-out $(MAIN_SRC),$(ALL_SRC)))
build/fuzz/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(if $(V),,@echo "  fuzz $<")
	$(Q)$(FUZZ_CC) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link,address,undefined -MMD -MP -c -o $@ $<
build/fuzz/all.a: $(FUZZ_OBJ)
	$(Q)rm -f $@
	$(Q)ar rcs $@ $^
FUZZ_LINK = $(FUZZ_CC) $(FUZZ_FLAGS) -fsanitize=fuzzer,address,undefined -o $@
FUZZ_LIBS = -lcmocka $(OPENSSL_LIBS) -lsodium -lseccomp -lz -lcrypt -lmd -lbsd -lutil $(PAM_LIBS)
# These two bring a transport of their own (tests/fake_transport.h).
FUZZ_FAKED = $(addprefix build/fuzz/bin/,fuzz_auth fuzz_connection)
$(FUZZ_FAKED): build/fuzz/bin/%: tests/fuzz/%.c tests/fake_transport.h $(patsubst %.c,build/fuzz/obj/%.o,$(wildcard \
  proto/auth_*.c proto/connection*.c) proto/channel.c proto/request.c proto/reply.c)
	@mkdir -p $(@D)
	$(FUZZ_LINK) $(filter %.c %.o,$^)
build/fuzz/bin/%: tests/fuzz/%.c build/fuzz/all.a
	@mkdir -p $(@D)
	$(FUZZ_LINK) $^ $(FUZZ_LIBS)

# ---- install -----------------------------------------------------------------------
# Everything is relinked with the installed paths; nothing is looked for at run time.
I := $(B)/install
INSTALL_LIBEXEC = $(PREFIX)/libexec/postern
LIB_OBJ_I = $(patsubst $(B)/obj/privsep/api_path.o,$(I)/api_path.o,$(call obj,$(LIB_SRC)))
$(I)/api_path.o: privsep/api_path.c Makefile
	@mkdir -p $(@D)
	$(CC) $(ALLCFLAGS) -DPOSTERN_HELPER_DIR='"$(INSTALL_LIBEXEC)"' -c -o $@ $<
POSTERND_OBJ_I = $(patsubst $(B)/obj/apps/posternd_path.o,$(I)/posternd_path.o,$(call obj,$(POSTERND_SRC)))
$(I)/posternd_path.o: apps/posternd_path.c Makefile
	@mkdir -p $(@D)
	$(CC) $(ALLCFLAGS) -DPOSTERND_CONF='"$(SYSCONFDIR)/postern/posternd.conf"' -c -o $@ $<
install: all
	@mkdir -p $(I)
	rm -f $(I)/*
	$(MAKE) --no-print-directory $(I)/api_path.o $(I)/posternd_path.o
	ar rcs $(I)/libpostern.a $(LIB_OBJ_I)
	$(CC) $(ALLCFLAGS) -shared $(ALLLDFLAGS) -Wl,-soname,libpostern.so.$(SOMAJOR) \
	  -Wl,--version-script=include/postern.map -o $(I)/libpostern.so.$(VERSION) $(LIB_OBJ_I) $(LIB_LIBS)
	$(CC) $(ALLCFLAGS) $(PIE) $(ALLLDFLAGS) -o $(I)/posternd $(POSTERND_OBJ_I) $(I)/libpostern.a $(POSTERND_LIBS)
	$(CC) $(ALLCFLAGS) $(PIE) $(ALLLDFLAGS) -o $(I)/postern $(call obj,$(POSTERN_SRC)) $(I)/libpostern.a $(POSTERN_LIBS)
	$(CC) $(ALLCFLAGS) $(PIE) $(ALLLDFLAGS) -o $(I)/postern-keygen $(call obj,$(KEYGEN_SRC)) $(KEYGEN_LIBS)
	sed -e 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(VERSION)|' include/postern.pc.in > $(I)/postern.pc
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/lib/pkgconfig \
	  $(DESTDIR)$(PREFIX)/include $(DESTDIR)$(INSTALL_LIBEXEC) $(DESTDIR)$(PREFIX)/share/man/man1 \
	  $(DESTDIR)$(PREFIX)/share/man/man3 $(DESTDIR)$(PREFIX)/share/man/man8 \
	  $(DESTDIR)$(SYSCONFDIR)/postern
	install -m 755 $(B)/libexec/postern-monitor $(B)/libexec/postern-worker $(B)/libexec/postern-keyload \
	  $(B)/libexec/postern-resolve $(DESTDIR)$(INSTALL_LIBEXEC)
	install -m 755 $(I)/posternd $(DESTDIR)$(PREFIX)/sbin
	install -m 755 $(I)/postern $(I)/postern-keygen $(DESTDIR)$(PREFIX)/bin
	install -m 644 $(I)/libpostern.a $(I)/libpostern.so.$(VERSION) $(DESTDIR)$(PREFIX)/lib
	ln -sf libpostern.so.$(VERSION) $(DESTDIR)$(PREFIX)/lib/libpostern.so.$(SOMAJOR)
	ln -sf libpostern.so.$(SOMAJOR) $(DESTDIR)$(PREFIX)/lib/libpostern.so
	install -m 644 include/postern.h $(DESTDIR)$(PREFIX)/include
	install -m 644 include/*.3 $(DESTDIR)$(PREFIX)/share/man/man3
	install -m 644 apps/*.1 $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 644 apps/*.8 $(DESTDIR)$(PREFIX)/share/man/man8
	install -m 644 $(I)/postern.pc $(DESTDIR)$(PREFIX)/lib/pkgconfig

clean:
	rm -rf build

-include $(shell find $(B)/obj build/fuzz/obj -name '*.d' 2>/dev/null)
