// SPDX-License-Identifier: Apache-2.0
module correct

go 1.21
