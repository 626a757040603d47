// SPDX-License-Identifier: Apache-2.0
module weft/go_conformance

go 1.23
