#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""run.py - runs end-to-end cases: all, one part (--part), or by id (lying/206-wrong-range)."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import harness  # noqa: E402
import emulate  # noqa: E402,F401
import errors  # noqa: E402,F401
import hostboard  # noqa: E402,F401
import lying_delta  # noqa: E402,F401
import lying_direct  # noqa: E402,F401
import lying_head  # noqa: E402,F401
import lying_http  # noqa: E402,F401
import lying_job  # noqa: E402,F401
import lying_redirect  # noqa: E402,F401
import lying_size  # noqa: E402,F401
import lying_tls  # noqa: E402,F401
import resume  # noqa: E402,F401
import rollout  # noqa: E402,F401
import signed  # noqa: E402,F401
import server_self  # noqa: E402,F401

if __name__ == "__main__":
    sys.exit(harness.main(sys.argv[1:]))
