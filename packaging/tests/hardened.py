#!/usr/bin/python3
"""Shows that a program of p2 is built so that a fault of memory ends it instead of being used.

    hardened.py PROGRAM

Called by packaging/test for the program of the packages, and by ctest for the one that was built. Prints one line a
check, the last one is `N passed, N failed`; what the toolchain does not give is a `note:` and counts as neither. Needs
readelf.
"""

import os
import re
import subprocess
import sys

#: What begins a function that may be called through a pointer, and what touches each page of a large frame.
MACHINES = {
    "Advanced Micro Devices X86-64": ((b"\xf3\x0f\x1e\xfa",), b"\x48\x83\x0c\x24\x00"),  # endbr64; orq $0,(%rsp)
    "Intel 80386": ((b"\xf3\x0f\x1e\xfb",), b"\x83\x0c\x24\x00"),  # endbr32; orl $0,(%esp)
    "AArch64": ((b"\x5f\x24\x03\xd5", b"\x3f\x23\x03\xd5"), b"\xff\x03\x02\xf9"),  # bti c, paciasp; str xzr,[sp,1024]
}
#: How many functions of others may be found in tables: of the C library's start files, which Debian builds without; and on
#: arm64 of OpenSSL 3.0, whose functions in assembler have none there.
FOREIGN = {"AArch64": 32}
FEW = 16


class Program:
    def __init__(self, path):
        self.path = path
        with open(path, "rb") as file:
            self.content = file.read()
        header = self.readelf("--file-header")
        self.type = re.search(r"^ *Type: +(\w+)", header, re.MULTILINE).group(1)
        self.machine = re.search(r"^ *Machine: +(.+)", header, re.MULTILINE).group(1)
        number = "0x[0-9a-f]+"
        self.segments = re.findall(
            rf"^ +(\w+) +0x([0-9a-f]+) +0x([0-9a-f]+) {number} 0x([0-9a-f]+) {number} ([RWE ]{{3}}) 0x([0-9a-f]+)$",
            self.readelf("--program-headers"), re.MULTILINE)
        self.flags = re.findall(r"\(FLAGS_1\).*Flags: (.*)", self.readelf("--dynamic"))
        self.imported = re.findall(r" UND (\w+)", self.readelf("--dyn-syms"))
        address, offset, size = re.search(r"\] \.text +PROGBITS +([0-9a-f]+) ([0-9a-f]+) ([0-9a-f]+)",
                                          self.readelf("--section-headers")).groups()
        self.text_at = int(address, 16)
        self.text = self.content[int(offset, 16):int(offset, 16) + int(size, 16)]

    def readelf(self, what):
        return subprocess.run(["readelf", "--wide", what, self.path], check=True, stdout=subprocess.PIPE, text=True,
                              env={**os.environ, "LC_ALL": "C"}).stdout

    def segment(self, kind):
        return [(int(offset, 16), int(size, 16), flags, int(alignment, 16))
                for name, offset, _, size, flags, alignment in self.segments if name == kind]

    def functions_in_tables(self):
        """What virtual functions and other tables point to: the first bytes of each, in the order of the program."""
        targets = {int(address, 16) - self.text_at
                   for address in re.findall(r"_RELATIVE +([0-9a-f]+)$", self.readelf("--relocs"), re.MULTILINE)}
        return [self.text[target:target + 4] for target in sorted(targets) if 0 <= target < len(self.text)]


class Missing(Exception):
    """What this toolchain does not give."""


def position_independent(program):
    assert program.type == "DYN" and "PIE" in " ".join(program.flags).split(), (program.type, program.flags)


def bound_at_the_start(program):
    assert program.segment("GNU_RELRO") and "NOW" in " ".join(program.flags).split(), program.flags


def stack_not_executable(program):
    assert [flags for _, _, flags, _ in program.segment("GNU_STACK")] == ["RW "], program.segments


def code_apart(program):
    """A page of the file that is mapped to be executed is mapped for nothing else, and none is mapped to be written as well."""
    loaded = program.segment("LOAD")
    pages = [range(offset // alignment, -(-(offset + size) // alignment)) for offset, size, _, alignment in loaded]
    executable = [index for index, (_, _, flags, _) in enumerate(loaded) if "E" in flags]
    assert len(executable) == 1 and "W" not in loaded[executable[0]][2], loaded
    own = pages.pop(executable[0])
    assert all(own.stop <= other.start or other.stop <= own.start for other in pages), loaded


def stack_guarded(program):
    assert "__stack_chk_fail" in program.imported


def sizes_checked(program):
    checked = [name for name in program.imported if re.fullmatch(r"__\w+_chk", name)]
    assert checked, "it calls no function that is told the size of its destination"


def indexes_checked(program):
    assert b"__n < this->size()" in program.content, "std::vector's operator[] has no condition"


def frames_probed(program):
    if program.machine not in MACHINES:
        raise Missing(f"how large frames are touched on {program.machine} is not known here")
    assert MACHINES[program.machine][1] in program.text, "no frame is touched page by page"


def landings(program):
    if program.machine not in MACHINES:
        raise Missing(f"the compiler protects no control flow on {program.machine}")
    have = [code in MACHINES[program.machine][0] for code in program.functions_in_tables()]
    # The compiler's archives are linked in last, if they are, and Debian builds them without; all before them is ours to build.
    ours = have[:len(have) - have[::-1].index(True)] if True in have else []
    without = ours.count(False)
    most = FOREIGN.get(program.machine, FEW)
    assert len(ours) > 0.8 * len(have) and without <= most, f"{without} of {len(ours)} have none, of {len(have)} in all"
    if len(ours) < len(have):
        print(f"note: the last {len(have) - len(ours)} of {len(have)} functions in tables, the compiler's archives, have none")


def marked_for_the_processor(program):
    """The linker marks the program only if every object that goes into it is marked, the C library's own start files too."""
    if not re.search(r"Properties: .*\b(IBT, SHSTK|BTI, PAC)\b", program.readelf("--notes")):
        raise Missing("not marked for the processor's check of control flow (IBT and SHSTK; BTI): the start files of the "
                      "C library, or an archive of the compiler, are not")


CHECKS = (
    ("it is position independent", position_independent),
    ("addresses are bound at the start, and only read from then on", bound_at_the_start),
    ("the stack is not executable", stack_not_executable),
    ("no page holds both code and data", code_apart),
    ("an overwritten stack is noticed", stack_guarded),
    ("the C library is told the sizes of destinations", sizes_checked),
    ("the C++ library checks indexes", indexes_checked),
    ("large frames are touched page by page", frames_probed),
    ("functions in tables begin with what an indirect call must land on", landings),
    ("the processor is told to check that", marked_for_the_processor),
)


def main():
    program = Program(sys.argv[1])
    passed, failed = 0, 0
    for name, check in CHECKS:
        try:
            check(program)
            passed += 1
            print(f"passed: {name}")
        except Missing as missing:
            print(f"note: {missing}")
        except AssertionError as error:
            failed += 1
            print(f"FAILED: {name}: {error}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
