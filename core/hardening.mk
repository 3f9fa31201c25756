# core/hardening.mk
#     Flags that make an error in the code harder to exploit; included by core, loader and
#     extension after CC, CFLAGS, CPPFLAGS and LDFLAGS are known.
#
# What the caller's flags say of a matter counts, and a flag that the compiler does not know is
# left out. HARDENING= leaves all of them out.

HARDENING ?= yes
comma := ,
hardening_given := $(CFLAGS) $(CPPFLAGS) $(LDFLAGS) $(EXTRA_CFLAGS) $(COPT)

# $(call hardening,WORD,FLAGS): the flags, unless the caller's have the word.
hardening = $(if $(findstring $(1),$(hardening_given)),,$(shell \
	$(CC) -Werror $(2) -x c -c -o /dev/null /dev/null 2>/dev/null && echo '$(2)'))
hardening_link = $(if $(findstring $(1),$(hardening_given)),,$(2))

ifneq ($(HARDENING),)
HARDENING_CFLAGS := $(call hardening,stack-protector,-fstack-protector-strong) \
	$(call hardening,stack-clash,-fstack-clash-protection) \
	$(call hardening,cf-protection,-fcf-protection) \
	$(call hardening,branch-protection,-mbranch-protection=standard) \
	$(call hardening,format,-Wformat -Werror=format-security)
# Needs an optimizing compiler, and hides reads from sanitizers.
ifneq ($(filter -O -O1 -O2 -O3 -Os -Ofast,$(hardening_given)),)
ifeq ($(findstring -fsanitize,$(hardening_given)),)
HARDENING_CFLAGS += $(call hardening,FORTIFY_SOURCE,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
endif
endif
HARDENING_LDFLAGS := $(call hardening_link,relro,-Wl$(comma)-z$(comma)relro) \
	$(call hardening_link,execstack,-Wl$(comma)-z$(comma)noexecstack) \
	$(call hardening_link,z$(comma)now,-Wl$(comma)-z$(comma)now)
# Of a program, beside -fPIC or -fPIE for its objects.
HARDENING_PIE := $(if $(findstring pie,$(hardening_given)),,-pie)
HARDENING_PIE_CFLAGS := $(if $(HARDENING_PIE),-fPIE)
endif
