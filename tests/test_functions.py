# SPDX-License-Identifier: Apache-2.0
"""Runs the functions of a module that are called test_...: for tests written in Python."""

import traceback


def run_all(module, call=lambda test: test()):
    """Calls call(test) for each test function in module, as globals() has them. Prints a line for
    each that fails, and `N passed, N failed`. Returns the exit code."""
    tests = [(name, test) for name, test in module.items() if name.startswith("test_")]
    failed = 0
    for name, test in tests:
        try:
            call(test)
        except Exception as failure:  # A broken test is a failed test, not the end of the run.
            failed += 1
            own = [frame for frame in traceback.extract_tb(failure.__traceback__)
                   if frame.name == name]
            where = f", line {own[-1].lineno}" if own else ""
            print(f"FAIL  {name}{where}: {type(failure).__name__}: {failure}")
    print(f"{len(tests) - failed} passed, {failed} failed")
    return 1 if failed else 0
