# test/python/test_hardening.py - the flags of core/hardening.mk are in what was built
"""As hardening-check would look at it: headers, symbols and a few instructions; and the caller's
flags win over ours."""

import platform
import re
import subprocess

import pytest

from conftest import PROGRAM, ROOT

LIBRARIES = [ROOT / "extension/clickstream.so", ROOT / "extension/clickstream_algebra.so"]
BUILT = [PROGRAM, *LIBRARIES]
ON_X86 = platform.machine() in ("x86_64", "AMD64")


def readelf(option, path):
    return subprocess.run(["readelf", "-W", option, path], check=True, capture_output=True, text=True).stdout


def imported(path):
    return set(re.findall(r" UND (\w+)", readelf("--dyn-syms", path)))


@pytest.mark.parametrize("path", BUILT, ids=str)
def test_headers(path):
    segments = readelf("-l", path)
    assert re.search(r"GNU_STACK.* RW +0x", segments), "the stack can be executed"
    assert "GNU_RELRO" in segments, "the tables of the dynamic linker stay writable"
    assert "BIND_NOW" in readelf("-d", path), "functions are bound late"
    assert not re.search(r"LOAD.* RWE ", segments), "memory that can be written and executed"
    assert "TEXTREL" not in readelf("-d", path)
    assert not re.search(r"\((RPATH|RUNPATH)\)", readelf("-d", path)), "libraries are looked for in a place of ours"


def test_program_lies_anywhere():
    assert re.search(r"Type: +DYN", readelf("-h", PROGRAM))
    assert re.search(r"Flags:.*PIE", readelf("-d", PROGRAM))


@pytest.mark.parametrize("path", [PROGRAM, LIBRARIES[0]], ids=str)
def test_functions_are_checked(path):
    names = imported(path)
    assert "__stack_chk_fail" in names, "no stack protector"
    assert any(re.fullmatch(r"__\w+_chk", name) and name != "__stack_chk_fail" for name in names), "not fortified"


@pytest.mark.skipif(not ON_X86, reason="instructions of x86")
@pytest.mark.parametrize("path", [PROGRAM, LIBRARIES[0]], ids=str)
def test_instructions(path):
    code = subprocess.run(["objdump", "-d", path], check=True, capture_output=True, text=True).stdout
    functions = re.findall(r"^[0-9a-f]+ <(cs_\w+)>:\n[^\n]*\t(\w+)", code, re.MULTILINE)
    assert len(functions) > 50
    marked = sum(1 for _, first in functions if first == "endbr64")
    assert marked > len(functions) / 2, "no -fcf-protection"
    assert re.search(r"or[ql] +\$0x0,\(%[er]sp\)", code), "no -fstack-clash-protection"


def test_embedded_files_ask_for_no_executable_stack():
    path = ROOT / "build/loader/resources.o"
    if not path.exists():
        pytest.skip("no object files here")
    assert ".note.GNU-stack" in readelf("-S", path)


def commands(folder, *variables):
    """What make would run to build everything in a folder anew."""
    return subprocess.run(["make", "-n", "-B", "-C", ROOT / folder, *variables],
                          check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("folder", ["core", "loader"])
def test_flags_of_the_caller_win(folder):
    plain = commands(folder)
    assert "-D_FORTIFY_SOURCE=3" in plain and "-fstack-clash-protection" in plain
    given = commands(folder, "CPPFLAGS=-D_FORTIFY_SOURCE=2")
    assert "-D_FORTIFY_SOURCE=2" in given and "-D_FORTIFY_SOURCE=3" not in given and "-U_FORTIFY" not in given
    given = commands(folder, "CFLAGS=-O2 -fno-stack-protector -fcf-protection=none -fno-stack-clash-protection -no-pie",
                     "LDFLAGS=-Wl,-z,norelro -Wl,-z,lazy")
    for flag in ("-fstack-protector-strong", "-fcf-protection", "-fstack-clash-protection", "-Wl,-z,relro", "-pie"):
        assert flag not in given.split(), flag
    assert "-fstack" not in commands(folder, "HARDENING=") and "FORTIFY" not in commands(folder, "HARDENING=")
    assert "FORTIFY" not in commands(folder, "CFLAGS=-O0 -g"), "which needs an optimizing compiler"
    assert "FORTIFY" not in commands(folder, "CFLAGS=-O1 -fsanitize=address"), "which hides reads from sanitizers"
