// SPDX-License-Identifier: Apache-2.0

// Panics. Go's runtime prints the message and the goroutine, and ends with exit code 2.
package main

import "fmt"

func main() {
	defer fmt.Println("deferred calls run")
	panic("a panic on purpose")
}
