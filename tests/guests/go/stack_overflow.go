// SPDX-License-Identifier: Apache-2.0

// Recurses without an end: Go's runtime stops it at its own limit, with exit code 2.
package main

import "runtime/debug"

//go:noinline
func forever(n int) int { return forever(n+1) + 1 }

func main() {
	debug.SetMaxStack(1 << 18)
	forever(0)
}
