// SPDX-License-Identifier: Apache-2.0
module sessions

go 1.21
